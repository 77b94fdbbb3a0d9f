/** Restrictions, cases and figures of execution in words. */
import { formatDecimal, multiply } from "../../shared/format/decimal";
import type { Tone } from "../../shared/table/Status";
import type { Case, Entry, OrderRecord, RecordExport } from "./documents";

interface Told {
  tone: Tone;
  label: string;
}

export const RESTRICTIONS: Record<Entry["kind"], Told> = {
  NO_TRADE: { tone: "critical", label: "No trade" },
  NO_BUY: { tone: "warn", label: "No adding" },
  NOTIFY: { tone: "working", label: "Only tell" },
};

export const CASE_KINDS: Record<Case["kind"], string> = {
  WASH_TRADE: "Wash trade",
  SELF_CROSS: "Cross between own accounts",
  LAYERING: "Layering",
  MARKING_THE_CLOSE: "Marking the close",
  RESTRICTED_TOUCH: "Restricted name touched",
  LIMIT_BREACHES: "Many refused by limits",
  LARGE_ORDER: "Large order",
};

export const CASE_STATES: Record<Case["state"], Told> = {
  OPEN: { tone: "warn", label: "Open" },
  UNDER_REVIEW: { tone: "working", label: "Under review" },
  CLOSED: { tone: "ended", label: "Closed" },
};

export const DISPOSITIONS = { NO_VIOLATION: "No violation", VIOLATION: "Violation" } as const;

/** Whether an entry holds at this moment. */
export function entryState(entry: Pick<Entry, "validFrom" | "validUntil">, now: Date = new Date()): Told {
  if (entry.validFrom !== null && new Date(entry.validFrom) > now) return { tone: "pending", label: "Not yet" };
  if (entry.validUntil !== null && new Date(entry.validUntil) <= now) return { tone: "ended", label: "Over" };
  return { tone: "ok", label: "Holds" };
}

/** "0.985" as 98.5 %. */
export function rateInWords(rate: string): string {
  return `${formatDecimal(multiply(rate, "100"), { decimals: 1 })} %`;
}

/** Basis points, above zero paid; a dash where nothing was measured. */
export function bpsInWords(bps: string | null): string {
  return bps === null ? "–" : formatDecimal(bps, { decimals: 2, signed: true });
}

/** 0.8 s, 42 s, 3 min, 2 h: a median time. */
export function secondsInWords(seconds: number | null): string {
  if (seconds === null) return "–";
  if (seconds < 10) return `${Math.round(seconds * 10) / 10} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}

/** Local days of a form as instants: from the begin of the first to the end of the last. */
export function spanOf(from: string, to: string): { after: string; before: string } {
  const end = new Date(`${to}T00:00:00`);
  end.setDate(end.getDate() + 1);
  return { after: new Date(`${from}T00:00:00`).toISOString(), before: end.toISOString() };
}

function two(part: number): string {
  return String(part).padStart(2, "0");
}

/** A day as a form has it, so many days before. */
export function dayBefore(days: number, now: Date = new Date()): string {
  const at = new Date(now.getFullYear(), now.getMonth(), now.getDate() - days);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** A time as HH:MM, or blank for the usual one. */
export const TIME_PATTERN = "([01][0-9]|2[0-3]):[0-5][0-9]|24:00";

/** A text of a record, however deep, or blank. */
export function told(record: OrderRecord["record"], ...path: string[]): string {
  let at: unknown = record;
  for (const step of path) at = typeof at === "object" && at !== null ? (at as Record<string, unknown>)[step] : undefined;
  return typeof at === "string" || typeof at === "number" ? String(at) : "";
}

export const EXPORT_STATES: Record<RecordExport["state"], Told> = {
  QUEUED: { tone: "pending", label: "Waits for the worker" },
  RUNNING: { tone: "working", label: "Being written" },
  DONE: { tone: "ok", label: "Ready" },
  FAILED: { tone: "critical", label: "Failed" },
};

/** How far an export is: "1,200 of 5,000 orders", or why it failed. */
export function progressOf(one: Pick<RecordExport, "state" | "ordersTotal" | "ordersWritten" | "errorMessage">): string | null {
  if (one.state === "FAILED") return one.errorMessage;
  if (one.ordersTotal === null) return null;
  const written = formatDecimal(String(one.ordersWritten));
  const inWords = one.ordersWritten === 1 ? "1 order" : `${written} orders`;
  return one.state === "DONE" ? inWords : `${written} of ${formatDecimal(String(one.ordersTotal))} orders`;
}

const UNITS = ["B", "kB", "MB", "GB", "TB"] as const;

/** 512 B, 1.2 kB, 34 MB: the length of a file, in thousands. */
export function sizeInWords(bytes: string): string {
  let size = Number(bytes);
  let unit = 0;
  while (size >= 999.5 && unit < UNITS.length - 1) {
    size /= 1_000;
    unit += 1;
  }
  return `${size < 10 && unit > 0 ? size.toFixed(1) : Math.round(size)} ${UNITS[unit]}`;
}

/** The last day of a span whose end is not in it, as an instant to show. */
export function lastInstant(toTime: string): string {
  return new Date(new Date(toTime).getTime() - 1).toISOString();
}
