/** The sections of an order's drawer: terms, timeline, fills, risk checks, requests, raw. */
import type { JSX, ReactNode } from "react";

import { formatDecimal } from "../../shared/format/decimal";
import { money, NOTHING } from "../../shared/format/Pnl";
import { formatEnum, formatTime } from "../../shared/format/time";
import { toast } from "../../shared/overlay/toasts";
import { accountName } from "../../shared/session/accounts";
import { Status, type Tone } from "../../shared/table/Status";
import { Checks } from "./Checks";
import { changeInWords } from "./checks";
import { orderPrice, price } from "./columns";
import type { FullOrder } from "./documents";
import { Explanation } from "./Explanation";
import { placedThrough } from "./origin";
import { Facts, Section } from "./parts";
import { asCurl, asGraphql, asPython } from "./snippets";

export function OrderDetails({ order, onOpen }: { order: FullOrder; onOpen: (id: string) => void }): JSX.Element {
  return (
    <>
      {order.rejectReason !== null && (
        <p role="status" className="border-b border-line px-4 py-2 text-critical">
          {order.rejectOrigin === "BROKER" ? "The broker refused it: " : "Refused: "}
          {order.rejectReason}
        </p>
      )}
      <Terms order={order} />
      <Linked order={order} onOpen={onOpen} />
      <Timeline order={order} />
      <Fills order={order} />
      <Explanation order={order} />
      <Requests order={order} />
      <Raw order={order} />
    </>
  );
}

function Terms({ order }: { order: FullOrder }): JSX.Element {
  const { tickSize, currency } = order.instrument;
  const facts: [string, ReactNode][] = [
    ["Type", formatEnum(order.orderType)],
    ["Price", orderPrice(order)],
    ["Filled", `${formatDecimal(order.filledQuantity)} of ${formatDecimal(order.quantity)}`],
    ["Average fill", price(order.averageFillPrice, tickSize, 2)],
    ["Commission", `${money(order.commission)} ${order.account.baseCurrency}`],
    ["Valid", order.expiresAt === null ? order.timeInForce : `${order.timeInForce} until ${formatTime(order.expiresAt)}`],
    ["Currency", currency],
    ["Account", `${accountName(order.account)} ${order.account.label === null ? "" : order.account.accountNumber}`],
    ["Placed through", placedThrough(order.origin)],
    ["Client order id", order.clientOrderId],
    ["Broker id", order.brokerOrderId ?? NOTHING],
    ["Placed", formatTime(order.createdAt)],
  ];
  if (order.postOnly) facts.push(["Post only", "yes"]);
  if (order.outsideRegularHours) facts.push(["Outside regular hours", "yes"]);
  if (order.linkRole !== null) facts.push(["Role", formatEnum(order.linkRole)]);
  if (order.releaseAt !== null) facts.push(["Released at", formatTime(order.releaseAt)]);
  return (
    <Section title="Terms">
      <Facts facts={facts} />
    </Section>
  );
}

function Linked({ order, onOpen }: { order: FullOrder; onOpen: (id: string) => void }): JSX.Element | null {
  const linked = [...(order.parent ? [order.parent] : []), ...order.children, ...order.siblings];
  if (linked.length === 0) return null;
  return (
    <Section title="Linked orders">
      <ul>
        {linked.map((each) => (
          <li key={each.id} className="flex justify-between gap-4">
            <button type="button" className="text-accent underline-offset-2 hover:underline" onClick={() => onOpen(each.id)}>
              {each.linkRole === null ? "Order" : formatEnum(each.linkRole)}
            </button>
            <span className="text-soft">{formatEnum(each.state)}</span>
          </li>
        ))}
      </ul>
    </Section>
  );
}

/** OrderAccepted as "Order accepted". */
export function eventName(type: string): string {
  return formatEnum(type.replaceAll(/(?<=[a-z])(?=[A-Z])/g, "_"));
}

function Timeline({ order }: { order: FullOrder }): JSX.Element {
  return (
    <Section title="Timeline">
      <ol>
        {order.events.map((event) => (
          <li key={event.sequence} className="grid grid-cols-[64px_1fr] gap-x-3">
            <time dateTime={event.occurredAt} title={event.occurredAt} className="text-faint">
              {formatTime(event.occurredAt)}
            </time>
            <span>
              {eventName(event.type)}
              {event.fromState !== event.toState && <span className="text-soft"> → {formatEnum(event.toState)}</span>}
              {event.reason !== null && <span className="block text-small break-words text-soft">{event.reason}</span>}
            </span>
          </li>
        ))}
      </ol>
    </Section>
  );
}

function Fills({ order }: { order: FullOrder }): JSX.Element | null {
  if (order.executions.length === 0) return null;
  return (
    <Section title="Fills">
      <table className="w-full">
        <thead className="sr-only">
          <tr>
            <th scope="col">Time</th>
            <th scope="col">Quantity</th>
            <th scope="col">Price</th>
            <th scope="col">Commission</th>
          </tr>
        </thead>
        <tbody>
          {order.executions.map((fill) => (
            <tr key={fill.id}>
              <td className="text-faint">{formatTime(fill.executedAt)}</td>
              <td className="text-right">{formatDecimal(fill.quantity)}</td>
              <td className="text-right">{price(fill.price, order.instrument.tickSize)}</td>
              <td className="text-right text-soft">
                {fill.commission === null ? NOTHING : `${money(fill.commission)} ${fill.commissionCurrency ?? ""}`}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Section>
  );
}

const REQUEST_TONE: Record<FullOrder["requests"][number]["outcome"], Tone> = {
  PENDING: "pending",
  ACCEPTED: "ok",
  REJECTED: "critical",
  TOO_LATE: "warn",
  SUPERSEDED: "ended",
};

function Requests({ order }: { order: FullOrder }): JSX.Element | null {
  if (order.requests.length === 0 && order.approvals.length === 0) return null;
  return (
    <Section title="Requests">
      <ul>
        {order.requests.map((request) => (
          <li key={request.id} className="grid grid-cols-[64px_1fr_auto] gap-x-3">
            <time dateTime={request.requestedAt} className="text-faint">
              {formatTime(request.requestedAt)}
            </time>
            <span>
              {request.kind === "CANCEL" ? "Cancel" : `Change to ${changeInWords(request.terms, order.instrument.tickSize)}`}
              {request.reason !== null && <span className="block text-small break-words text-soft">{request.reason}</span>}
            </span>
            <Status tone={REQUEST_TONE[request.outcome]} label={outcomeInWords(request)} />
            {request.riskChecks.length > 0 && (
              <details className="col-start-2 col-span-2 pb-1">
                <summary className="cursor-pointer text-small text-soft">{checksInWords(request.riskChecks)}</summary>
                <Checks checks={request.riskChecks} counterfactual={request.counterfactual} />
              </details>
            )}
          </li>
        ))}
        {order.approvals.map((approval) => (
          <li key={approval.policyId} className="grid grid-cols-[64px_1fr_auto] gap-x-3">
            <time dateTime={approval.requestedAt} className="text-faint">
              {formatTime(approval.requestedAt)}
            </time>
            <span className="text-soft">Approval: {approval.reasons.join(" ")}</span>
            <Status
              tone={approval.decision === null ? "pending" : approval.decision === "APPROVED" ? "ok" : "critical"}
              label={approval.decision === null ? `until ${formatTime(approval.expiresAt)}` : formatEnum(approval.decision)}
            />
          </li>
        ))}
      </ul>
    </Section>
  );
}

/** "Refused here" tells a refusal of the house from one of the broker. */
function outcomeInWords(request: FullOrder["requests"][number]): string {
  if (request.rejectOrigin === null) return formatEnum(request.outcome);
  return request.rejectOrigin === "OMS" ? "Refused here" : "Refused by the broker";
}

function checksInWords(checks: FullOrder["requests"][number]["riskChecks"]): string {
  const refused = checks.filter((check) => check.outcome === "FAILED" && !check.isShadow).length;
  const count = checks.length === 1 ? "1 risk check" : `${checks.length} risk checks`;
  return refused === 0 ? `${count}, none refused` : `${count}, ${refused} refused`;
}

async function copy(kind: string, text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast("ok", `Copied as ${kind}`);
  } catch {
    toast("warn", "The browser does not let the page copy here.", "Open the raw JSON and copy it by hand.");
  }
}
function Raw({ order }: { order: FullOrder }): JSX.Element {
  const url = new URL("/graphql", location.href).href;
  const kinds: [string, () => string][] = [
    ["GraphQL", () => asGraphql(order)],
    ["curl", () => asCurl(order, url)],
    ["Python", () => asPython(order, url)],
    ["JSON", () => JSON.stringify(order, null, 2)],
  ];
  return (
    <Section title="Copy as">
      <div className="flex flex-wrap gap-2 pb-2">
        {kinds.map(([kind, make]) => (
          <button key={kind} type="button" className="control" onClick={() => void copy(kind, make())}>
            {kind}
          </button>
        ))}
      </div>
      <details>
        <summary className="cursor-pointer text-soft">Raw JSON</summary>
        {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a scrolling region must be reachable by keyboard */}
        <pre tabIndex={0} aria-label="Raw JSON" className="mt-1 max-h-80 overflow-auto bg-raised p-2 font-mono text-micro">
          {JSON.stringify(order, null, 2)}
        </pre>
      </details>
    </Section>
  );
}
