/** Hands text to the person as a file. */
const KEPT_MS = 60_000;

/** Lets the browser fetch a file of ours and save it, however long it is; the cookies of the session go along. */
export function follow(name: string, path: string): void {
  const link = document.createElement("a");
  link.href = path;
  link.download = name;
  link.click();
}

export function download(name: string, text: string, type = "text/csv"): void {
  const address = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  follow(name, address);
  setTimeout(() => URL.revokeObjectURL(address), KEPT_MS);
}

/** Cells as CSV (RFC 4180); what a spreadsheet could run begins with an apostrophe, which makes it text. */
export function toCsv(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return [header, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

function cell(text: string): string {
  const isNumber = /^[-+]?\d+(\.\d+)?$/.test(text);
  const safe = !isNumber && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
