/** A search of the audit log as it stands in the address, as the API takes it, and as people say it. */
import type { Entry, Question, Verification } from "./documents";

export const FILTERS = ["text", "action", "resourceType", "resourceId", "actor", "requestId", "from", "until"] as const;
export type Filter = (typeof FILTERS)[number];
export type Filters = Partial<Record<Filter, string>>;

export function filtersOf(search: Readonly<Record<string, string | undefined>>): Filters {
  const filters: Filters = {};
  for (const name of FILTERS) {
    const value = search[name]?.trim();
    if (value) filters[name] = value;
  }
  return filters;
}

/** The question to the API. Days are the reader's own; `until` is the last day that counts. */
export function questionOf(filters: Filters): Question {
  const { from, until, ...rest } = filters;
  return {
    ...rest,
    ...(from === undefined ? {} : dayAt("createdAfter", from, 0)),
    ...(until === undefined ? {} : dayAt("createdBefore", until, 1)),
  };
}

function dayAt(name: "createdAfter" | "createdBefore", day: string, add: number): Question {
  const parts = /^(\d{4})-(\d\d)-(\d\d)$/.exec(day);
  if (!parts) return {};
  const at = new Date(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3]) + add);
  return Number.isNaN(at.getTime()) ? {} : { [name]: at.toISOString() };
}

/** user:<id> and its like, by the names that are known. */
export function actorInWords(actor: string, names: ReadonlyMap<string, string>): string {
  const [kind, id] = splitAt(actor, ":");
  const name = names.get(actor);
  if (name !== undefined) return name;
  switch (kind) {
    case "user":
      return `Person ${tail(id)}`;
    case "key":
      return `Key ${tail(id)}`;
    case "platform":
      return `Platform ${tail(id)}`;
    case "system":
      return `The ${id.replaceAll("_", " ")}`;
    default:
      return actor;
  }
}

function splitAt(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

/** The last digits of an id: those of one day begin alike. */
function tail(id: string): string {
  return id.slice(-6);
}

export interface Verdict {
  isIntact: boolean;
  title: string;
  details: readonly string[];
}

const COUNT = new Intl.NumberFormat("en-US");

const BREAKS: Record<Verification["breaks"][number]["kind"], (place: string) => string> = {
  MISSING: (place) => `${place} missing: deleted after they were sealed.`,
  ALTERED: (place) => `${place} altered: what is stored does not fit its hash.`,
  REWRITTEN: (place) => `${place} rewritten: the hashes fit each other, but not the signed head.`,
  CUT: (place) => `${place} cut off: the end of the log that a head was signed over is gone.`,
};

/** What looks at the chain, one after the other, say together. */
export function verdictOf(looks: readonly Verification[]): Verdict {
  const entries = looks.reduce((sum, look) => sum + look.entries, 0);
  const heads = looks.reduce((sum, look) => sum + look.signedHeads, 0);
  const unverified = looks.reduce((sum, look) => sum + look.unverifiedHeads, 0);
  const breaks = looks.flatMap((look) => look.breaks);
  const isIntact = looks.every((look) => look.isIntact);
  const isComplete = looks.at(-1)?.isComplete ?? false;
  const [first, last] = [looks[0], looks.at(-1)];
  const range = first && last && entries > 0 ? `, ${COUNT.format(first.fromSequence)} to ${COUNT.format(last.toSequence)}` : "";
  const details = breaks.map(({ kind, fromSequence, toSequence }) => BREAKS[kind](placeOf(fromSequence, toSequence)));
  details.push(
    heads === 0
      ? "No signed head stands over these entries: the chain proves their order, not that it was never made anew."
      : `${COUNT.format(heads)} signed ${heads === 1 ? "head agrees" : "heads were held against it"}.`,
  );
  if (unverified > 0) details.push(`${COUNT.format(unverified)} of the heads have a signature that does not hold, or of a key that is not known here.`);
  if (!isComplete) details.push("The look did not reach the end of the log.");
  if (!isIntact) return { isIntact, title: `The chain is broken: ${COUNT.format(entries)} entries looked at${range}.`, details };
  return { isIntact, title: `The chain holds: ${COUNT.format(entries)} entries${range}.`, details };
}

function placeOf(from: number, to: number): string {
  return from === to ? `Entry ${COUNT.format(from)} is` : `Entries ${COUNT.format(from)} to ${COUNT.format(to)} are`;
}

/** As `oms audit export` writes them. */
export const CSV_HEADER = [
  "sequence",
  "createdAt",
  "actor",
  "action",
  "resourceType",
  "resourceId",
  "oldValues",
  "newValues",
  "ipAddress",
  "requestId",
  "id",
  "hash",
] as const;

export function csvRow(entry: Entry): string[] {
  return CSV_HEADER.map((name) => {
    const value = entry[name];
    if (value === null || value === undefined) return "";
    return typeof value === "string" || typeof value === "number" ? String(value) : JSON.stringify(value);
  });
}
