/** Where to join an account's event log, and whether an event leaves a gap. */
import type { OrderWithEvents } from "./documents";

/**
 * The cursor from which the log continues a snapshot of the newest orders.
 *
 * Undefined (only what is new) for an account that no order of an incomplete page belongs to: its log may be long.
 */
export function cursorAfter(
  orders: readonly OrderWithEvents[],
  totalCount: number,
  accountId: string,
): number | undefined {
  const mine = orders.filter((order) => order.account.id === accountId);
  if (mine.length === 0) return orders.length < totalCount ? undefined : 0;
  return Math.max(0, ...mine.flatMap((order) => order.events.map((event) => event.sequence)));
}

export function isGap(last: number | undefined, next: number): boolean {
  return last !== undefined && next > last + 1;
}
