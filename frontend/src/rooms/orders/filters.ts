/** The blotter's filters: from the URL to what the server is asked. */
import type { VariablesOf } from "../../shared/graphql/document";
import type { Search } from "../../shared/page/search";
import type { Order, ORDERS_CHANGED } from "./documents";

export type Filter = NonNullable<VariablesOf<typeof ORDERS_CHANGED>["filter"]>;

export const SPANS = [
  ["working", "Working"],
  ["today", "Today"],
  ["week", "7 days"],
  ["range", "Range"],
] as const;
export type Span = (typeof SPANS)[number][0];

export const STATE_GROUPS: Readonly<Record<string, { label: string; states: readonly Order["state"][] }>> = {
  waiting: { label: "Waiting", states: ["NEW", "PENDING_APPROVAL", "HELD"] },
  filled: { label: "Filled", states: ["FILLED"] },
  partial: { label: "Partly filled", states: ["PARTIALLY_FILLED"] },
  canceled: { label: "Canceled or expired", states: ["CANCELED", "EXPIRED"] },
  rejected: { label: "Rejected", states: ["REJECTED"] },
};

const DAY_MS = 86_400_000;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

export function spanOf(search: Search): Span {
  return SPANS.find(([value]) => value === search["show"])?.[0] ?? "today";
}

/** Midnight of the reader's day, so many days back, as the API speaks. */
export function dayStart(now: Date, daysBack = 0): string {
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate());
  midnight.setDate(midnight.getDate() - daysBack);
  return midnight.toISOString();
}

function ofDay(day: string | undefined, moreMs = 0): string | undefined {
  if (day === undefined || !DAY.test(day)) return undefined;
  const at = new Date(`${day}T00:00:00`);
  return Number.isNaN(at.getTime()) ? undefined : new Date(at.getTime() + moreMs).toISOString();
}

export function filterOf(search: Search, accountIds: readonly string[] | null, now: Date): Filter {
  const filter: Filter = {};
  if (accountIds !== null) filter.accountIds = [...accountIds];
  const span = spanOf(search);
  if (span === "working") filter.isOpen = true;
  if (span === "today") filter.createdAfter = dayStart(now);
  if (span === "week") filter.createdAfter = dayStart(now, 6);
  if (span === "range") {
    filter.createdAfter = ofDay(search["from"]) ?? dayStart(now);
    const until = ofDay(search["to"], DAY_MS);
    if (until !== undefined) filter.createdBefore = until;
  }
  const group = STATE_GROUPS[search["state"] ?? ""];
  if (group) filter.states = [...group.states];
  if (search["side"] === "BUY" || search["side"] === "SELL") filter.sides = [search["side"]];
  return filter;
}

/** What is typed into the search is looked for on the page: in the symbol, the ids and the account. */
export function fits(order: Order, text: string): boolean {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") return true;
  const { instrument, clientOrderId, brokerOrderId, id, account } = order;
  return [instrument.symbol, clientOrderId, brokerOrderId ?? "", id, account.accountNumber, account.label ?? ""].some((each) =>
    each.toLowerCase().includes(wanted),
  );
}
