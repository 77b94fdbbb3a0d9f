/** What changed between two JSON documents, value by value. */
export interface Difference {
  /** Names from the outside in, such as settings.session_hours. */
  path: string;
  kind: "added" | "removed" | "changed" | "same";
  before: string | null;
  after: string | null;
}

const DEPTH_MAX = 16;

/** Every value of either, in the order of the new one and then of what went; `null` for a document stands for nothing. */
export function differences(before: unknown, after: unknown): Difference[] {
  const old = leaves(before);
  const now = leaves(after);
  const told: Difference[] = [];
  for (const [path, value] of now) {
    const held = old.get(path) ?? null;
    const kind = held === null ? "added" : held === value ? "same" : "changed";
    told.push({ path, kind, before: held, after: value });
  }
  for (const [path, value] of old) {
    if (!now.has(path)) told.push({ path, kind: "removed", before: value, after: null });
  }
  return told;
}

function leaves(document: unknown): Map<string, string> {
  const found = new Map<string, string>();
  if (document !== null && document !== undefined) collect(document, "", found, 0);
  return found;
}

function collect(value: unknown, path: string, into: Map<string, string>, depth: number): void {
  const isBranch = typeof value === "object" && value !== null && depth < DEPTH_MAX;
  const entries = isBranch && !Array.isArray(value) ? Object.entries(value) : [];
  if (entries.length === 0) {
    into.set(path === "" ? "value" : path, inWords(value));
    return;
  }
  for (const [name, inner] of entries) collect(inner, path === "" ? name : `${path}.${name}`, into, depth + 1);
}

function inWords(value: unknown): string {
  if (typeof value === "string") return value;
  // A list is read as one value: which of its items moved says less than how it stands.
  return JSON.stringify(value) ?? "";
}
