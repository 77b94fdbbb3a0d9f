/** Links in mails: what they are for, the token that they carry, and what the server said of it. */
import { useEffect, useState } from "react";

export type Purpose = "verify" | "reset" | "invitation";

/** A refusal in words; of a link that will never hold, whatever is typed beside it, isDead. */
export interface Refusal {
  words: string;
  isDead: boolean;
}

interface UserError {
  message: string;
  path: readonly string[];
}

const PURPOSES: ReadonlyMap<string, Purpose> = new Map([
  ["/verify-email", "verify"],
  ["/reset-password", "reset"],
  ["/accept-invitation", "invitation"],
]);

export const CUT: Refusal = { words: "This link is not whole: open it again, or copy all of it.", isDead: true };

export function purposeOf(path: string): Purpose | null {
  return PURPOSES.get(path) ?? null;
}

/** The token of a link, which stands behind the #, where no server sees it. */
export function tokenOf(hash: string): string {
  return new URLSearchParams(hash.replace(/^#/, "")).get("token") ?? "";
}

/** The link of the address; another one, or the same again, opened in this tab is one more. */
export function useLink(): { token: string; opened: number } {
  const [link, setLink] = useState(() => ({ token: tokenOf(location.hash), opened: 0 }));
  useEffect(() => {
    const look = (): void => setLink(({ opened }) => ({ token: tokenOf(location.hash), opened: opened + 1 }));
    addEventListener("hashchange", look);
    return () => removeEventListener("hashchange", look);
  }, []);
  return link;
}

/** The token is used: it need not stay in the history. */
export function forgetToken(): void {
  history.replaceState(null, "", location.pathname);
}

export function joined(errors: readonly UserError[] | undefined): string | null {
  return errors && errors.length > 0 ? errors.map((each) => each.message).join(" ") : null;
}

export function refusalOf(errors: readonly UserError[] | undefined): Refusal | null {
  const words = joined(errors);
  return words === null ? null : { words, isDead: errors?.some((each) => each.path.includes("token")) ?? false };
}
