/** Approval policies in words, and as a form has them. */
import { formatDecimal } from "../../shared/format/decimal";
import type { Policy } from "./documents";

type Hours = NonNullable<Policy["hours"]>;
type Window = Hours["windows"][number];

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"] as const;

/** Mon to Fri, or Mon, Wed: runs of three days or more are said as such. */
export function daysInWords(days: readonly number[]): string {
  const sorted = [...new Set(days)].toSorted((left, right) => left - right);
  if (sorted.length === 0 || sorted.length === 7) return "every day";
  const runs: number[][] = [];
  for (const day of sorted) {
    const run = runs.at(-1);
    if (run && run.at(-1) === day - 1) run.push(day);
    else runs.push([day]);
  }
  return runs
    .map((run) => (run.length > 2 ? `${nameOf(run[0])} to ${nameOf(run.at(-1))}` : run.map(nameOf).join(", ")))
    .join(", ");
}

function nameOf(day: number | undefined): string {
  return DAYS[(day ?? 0) - 1] ?? "";
}

/** Mon to Fri 09:00–17:30. */
export function windowInWords({ opens, closes, days }: Window): string {
  return `${daysInWords(days)} ${opens}–${closes}`;
}

/** When an order needs a second person. */
export function conditionInWords(policy: Pick<Policy, "notional" | "currency" | "hours">): string {
  const parts: string[] = [];
  if (policy.notional !== null) parts.push(`worth more than ${policy.currency ?? ""} ${formatDecimal(policy.notional)}`.replace("  ", " "));
  if (policy.hours) parts.push(`outside ${policy.hours.windows.map(windowInWords).join("; ")} (${policy.hours.timeZone})`);
  return parts.length === 0 ? "Every order" : capital(parts.join(", or "));
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** 90 s, 15 min, 2 h, 3 days. */
export function expiryInWords(seconds: number): string {
  for (const [unit, length] of [["day", 86_400], ["h", 3600], ["min", 60]] as const) {
    if (seconds % length === 0) {
      const count = seconds / length;
      return unit === "day" ? `${count} day${count === 1 ? "" : "s"}` : `${count} ${unit}`;
    }
  }
  return `${seconds} s`;
}

const LINE = /^(?:([1-7](?:-[1-7])?(?:,[1-7](?:-[1-7])?)*)\s+)?(\d\d:\d\d)\s*(?:-|–|to)\s*(\d\d:\d\d)$/;

export type ReadWindows = { windows: Window[] } | { problem: string };

/** Windows, one on a line: `1-5 09:00-17:30`, ISO weekdays first; without days it is every day. */
export function readWindows(text: string): ReadWindows {
  const windows: Window[] = [];
  for (const raw of text.split("\n")) {
    const line = raw.trim();
    if (line === "") continue;
    const match = LINE.exec(line);
    if (!match) return { problem: `“${line}” is no window: write days and hours as 1-5 09:00-17:30.` };
    windows.push({ days: readDays(match[1] ?? "1-7"), opens: match[2] ?? "", closes: match[3] ?? "" });
  }
  return windows.length === 0 ? { problem: "Write a window, as 1-5 09:00-17:30." } : { windows };
}

function readDays(text: string): number[] {
  return text.split(",").flatMap((part) => {
    const [from = 1, to = from] = part.split("-").map(Number);
    return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
  });
}

/** The windows as readWindows reads them. */
export function writeWindows(windows: readonly Window[]): string {
  return windows.map(({ days, opens, closes }) => `${writeDays(days)} ${opens}-${closes}`.trim()).join("\n");
}

function writeDays(days: readonly number[]): string {
  const sorted = [...days].toSorted((left, right) => left - right);
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (first === undefined || last === undefined) return "1-7";
  return sorted.length > 2 && last - first === sorted.length - 1 ? `${first}-${last}` : sorted.join(",");
}
