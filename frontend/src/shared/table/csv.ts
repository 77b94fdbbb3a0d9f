/** Tables as CSV files: exact values, and nothing that a spreadsheet would run. */
import type { LiveColumn } from "./layout";

const NUMBER = /^[+-]?\d+(\.\d+)?$/;
const RUNS = /^[=+\-@\t\r]/;

/** A cell: text that a spreadsheet would take for a formula is marked as text. */
export function csvCell(value: string): string {
  const safe = RUNS.test(value) && !NUMBER.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function csvOf<Row>(columns: readonly LiveColumn<Row>[], rows: readonly Row[]): string {
  const lines = [columns.map((column) => csvCell(column.header)), ...rows.map((row) => columns.map((column) => csvCell(column.text(row))))];
  return lines.map((cells) => `${cells.join(",")}\r\n`).join("");
}

/** Gives the person a file. */
export function download(name: string, content: string, type = "text/csv;charset=utf-8"): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser has taken the content by the next task.
  setTimeout(() => URL.revokeObjectURL(url));
}

/** orders-2026-11-21T14-03-09.csv */
export function csvName(what: string, now: Date = new Date()): string {
  return `${what}-${now.toISOString().slice(0, 19).replaceAll(":", "-")}.csv`;
}
