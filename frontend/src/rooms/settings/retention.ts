/** How long records are kept, in words: what goes, by when, and what a change of the rule does. */

/** Five years, as MiFID II article 16(7) asks; the server takes no less. */
export const KEEP_DAYS_MIN = 1827;
export const KEEP_DAYS_MAX = 36_525;
/** Six years, for whom SEC Rule 17a-4(a) binds. */
export const SEC_DAYS = 2192;
const DAY_MS = 86_400_000;
const DAYS_OF_A_YEAR = 365.25;

const DATE = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const COUNT = new Intl.NumberFormat("en-US");

/** The days of a field; null where they are no whole number that the server takes. */
export function daysFrom(text: string): number | null {
  const days = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  return days >= KEEP_DAYS_MIN && days <= KEEP_DAYS_MAX ? days : null;
}

/** 2,557 days, about 7 years; for ever where there is no rule. */
export function spanInWords(days: number | null): string {
  if (days === null) return "For ever";
  const years = Math.round((days / DAYS_OF_A_YEAR) * 10) / 10;
  return `${COUNT.format(days)} days, about ${years} years`;
}

function dateBefore(days: number, now: Date): string {
  return DATE.format(new Date(now.getTime() - days * DAY_MS));
}

/** What a rule deletes, and when. `what` such as "alerts", in the plural; null days keep everything. */
export function ruleInWords(what: string, days: number | null, now: Date): string {
  if (days === null) return `No ${what} are ever deleted.`;
  const last = DATE.format(new Date(now.getTime() + days * DAY_MS));
  return `The coming night deletes ${what} from before ${dateBefore(days, now)}, and each night after it those of one day more: those of today go after ${last}.`;
}

/** What becomes of records when the rule changes; null when it stays as it is. */
export function changeInWords(what: string, before: number | null, after: number | null, now: Date): string | null {
  if (before === after) return null;
  if (isShorter(before, after)) {
    const from = before === null ? "All" : `From ${dateBefore(before, now)} on, all`;
    return `${from} ${what} from before ${dateBefore(after ?? 0, now)} go in the coming night, and do not come back.`;
  }
  return before === null ? null : `What went until now, ${what} from before ${dateBefore(before, now)}, does not come back.`;
}

/** True when the rule lets go what the one before kept. */
export function isShorter(before: number | null, after: number | null): boolean {
  return after !== null && (before === null || after < before);
}
