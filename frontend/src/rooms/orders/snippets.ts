/** An order as the request that places it: GraphQL, curl, Python. The key is named, never shown. */
import type { Order } from "./documents";

const MUTATION = `mutation PlaceOrder($input: PlaceOrderInput!) {
  placeOrder(input: $input) {
    order { id state }
    errors { code message path }
  }
}`;

/** The input of placeOrder that would place the same once more, under a clientOrderId of its own. */
export function inputOf(order: Order): Record<string, unknown> {
  const whole: Record<string, unknown> = {
    accountId: order.account.id,
    instrumentId: order.instrument.id,
    side: order.side,
    orderType: order.orderType,
    quantity: order.quantity,
    limitPrice: order.limitPrice,
    stopPrice: order.stopPrice,
    trailingAmount: order.trailingAmount,
    timeInForce: order.timeInForce,
    expiresAt: order.expiresAt,
    postOnly: order.postOnly || null,
    outsideRegularHours: order.outsideRegularHours || null,
    clientOrderId: order.clientOrderId,
  };
  return Object.fromEntries(Object.entries(whole).filter(([, value]) => value !== null));
}

export function asGraphql(order: Order): string {
  return `${MUTATION}\n\n# variables\n${JSON.stringify({ input: inputOf(order) }, null, 2)}\n`;
}

/** Within single quotes of a shell nothing means anything but the quote itself. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'"'"'`)}'`;
}

export function asCurl(order: Order, url: string): string {
  const body = JSON.stringify({ query: MUTATION, variables: { input: inputOf(order) } });
  return `curl ${quoted(url)} \\
  -H "Authorization: Bearer $OMS_API_KEY" \\
  -H 'Content-Type: application/json' \\
  -d ${quoted(body)}
`;
}

/** JSON's strings and numbers are Python's too; true is not. */
function literal(value: unknown): string {
  if (value === true) return "True";
  return JSON.stringify(value);
}

export function asPython(order: Order, url: string): string {
  const lines = Object.entries(inputOf(order)).map(([key, value]) => `    ${JSON.stringify(key)}: ${literal(value)},`);
  return `import os

import httpx

MUTATION = """
${MUTATION}
"""
order = {
${lines.join("\n")}
}
answer = httpx.post(
    ${JSON.stringify(url)},
    headers={"Authorization": f"Bearer {os.environ['OMS_API_KEY']}"},
    json={"query": MUTATION, "variables": {"input": order}},
)
print(answer.json())
`;
}
