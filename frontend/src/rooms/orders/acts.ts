/** What a person does to orders that are there: cancel and release, one or many, with a result for each. */
import { client } from "../../shared/graphql/client";
import { describeFailure } from "../../shared/graphql/failure";
import { formatDecimal } from "../../shared/format/decimal";
import { formatEnum } from "../../shared/format/time";
import { toast } from "../../shared/overlay/toasts";
import { CANCEL_ORDER, CANCEL_ORDERS, RELEASE_ORDERS, type Order } from "./documents";

export interface Outcome {
  order: Order;
  /** Null when it was taken. */
  problem: string | null;
}

/** The server takes so many at once. */
export const ORDERS_AT_ONCE = 1_000;

type Named = Pick<Order, "side" | "quantity"> & { instrument: { symbol: string } };

export function nameOfOrder(order: Named): string {
  return `${formatEnum(order.side)} ${formatDecimal(order.quantity)} ${order.instrument.symbol}`;
}

export async function cancelOrder(order: Named & { id: string }): Promise<void> {
  const { data, error } = await client.mutation(CANCEL_ORDER, { input: { orderId: order.id } }).toPromise();
  const problem = error ? describeFailure(error) : data?.cancelOrder.errors.map((each) => each.message).join(" ");
  if (problem) toast("critical", `Not canceled: ${nameOfOrder(order)}`, problem);
  else if (data?.cancelOrder.order?.state === "CANCELED") toast("ok", `Canceled: ${nameOfOrder(order)}`);
  else toast("ok", `Cancel asked for: ${nameOfOrder(order)}`);
}

type Answer = { errors: readonly { message: string }[] };

function outcomes(orders: readonly Order[], results: readonly Answer[], general: string | null): Outcome[] {
  return orders.map((order, index) => {
    const told = results[index]?.errors.map((each) => each.message).join(" ") ?? general ?? "The server did not tell.";
    return { order, problem: told === "" ? null : told };
  });
}

export async function cancelMany(orders: readonly Order[]): Promise<Outcome[]> {
  const input = { orderIds: orders.map((order) => order.id) };
  const { data, error } = await client.mutation(CANCEL_ORDERS, { input }).toPromise();
  return outcomes(orders, data?.cancelOrders.results ?? [], error ? describeFailure(error) : null);
}

export async function releaseMany(orders: readonly Order[]): Promise<Outcome[]> {
  const input = { orderIds: orders.map((order) => order.id) };
  const { data, error } = await client.mutation(RELEASE_ORDERS, { input }).toPromise();
  const general = error ? describeFailure(error) : data?.releaseOrders.errors.map((each) => each.message).join(" ");
  return outcomes(orders, data?.releaseOrders.results ?? [], general ?? null);
}
