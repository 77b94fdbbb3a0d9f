/** Tables as CSV files (RFC 4180): exact values, and nothing that a spreadsheet would run. */
const NUMBER = /^[+-]?\d+(\.\d+)?$/;
const RUNS = /^[=+\-@\t\r\n＝＋－＠]/;

/** A cell: text that a spreadsheet would take for a formula begins with an apostrophe, which makes it text. */
export function csvCell(value: string): string {
  const safe = RUNS.test(value) && !NUMBER.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function toCsv(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return [header, ...rows].map((row) => `${row.map(csvCell).join(",")}\r\n`).join("");
}

/** orders-2026-11-21T14-03-09.csv */
export function csvName(what: string, now: Date = new Date()): string {
  return `${what}-${now.toISOString().slice(0, 19).replaceAll(":", "-")}.csv`;
}
