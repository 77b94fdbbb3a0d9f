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
