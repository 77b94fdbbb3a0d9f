/** Orders that wait for a second person, in words. */
import type { Waiting } from "./documents";

const MINUTE_S = 60;
const HOUR_S = 3600;

/** How long an order may still wait; null when no request is open. */
export function secondsLeft(order: Pick<Waiting, "approvals">, nowMs: number): number | null {
  const open = order.approvals.filter((each) => each.decision === null);
  if (open.length === 0) return null;
  const ends = Math.min(...open.map((each) => new Date(each.expiresAt).getTime()));
  return Math.max(0, Math.floor((ends - nowMs) / 1000));
}

/** 4:05, 1 h 12 min. */
export function leftInWords(seconds: number): string {
  if (seconds === 0) return "Time is up";
  if (seconds < HOUR_S) return `${Math.floor(seconds / MINUTE_S)}:${String(seconds % MINUTE_S).padStart(2, "0")}`;
  return `${Math.floor(seconds / HOUR_S)} h ${Math.floor((seconds % HOUR_S) / MINUTE_S)} min`;
}

/** Who placed it, as the audit log writes actors; null where its begin is not known. */
export function makerOf(order: Pick<Waiting, "events">): string | null {
  return order.events[0]?.actor ?? null;
}

/** Every reason of every open request, each once. */
export function reasonsOf(order: Pick<Waiting, "approvals">): readonly string[] {
  return [...new Set(order.approvals.filter((each) => each.decision === null).flatMap((each) => each.reasons))];
}
