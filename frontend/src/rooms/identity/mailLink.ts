/** Links in mails: what they are for, and the token that they carry. */
export type Purpose = "verify" | "reset";

const PURPOSES: ReadonlyMap<string, Purpose> = new Map([
  ["/verify-email", "verify"],
  ["/reset-password", "reset"],
]);

export function purposeOf(path: string): Purpose | null {
  return PURPOSES.get(path) ?? null;
}

/** The token of a link, which stands behind the #, where no server sees it. */
export function tokenOf(hash: string): string {
  return new URLSearchParams(hash.replace(/^#/, "")).get("token") ?? "";
}
