/**
 * Who is signed in. The tokens are in cookies that no script can read; beside them stands a mark that says that there is
 * a session and when its access ends. All tabs share it: the one that finds it due renews it for all.
 */
import { stringifyDocument, type TypedDocumentNode } from "@urql/core";
import { useSyncExternalStore } from "react";

import { LOGOUT, REFRESH } from "./documents";

/** Asks the server to keep the session in cookies. A page of another site cannot send it. */
export const SESSION_HEADER = { "x-oms-session": "cookie" } as const;

/** The mark's names: over TLS browsers hold the cookie to this very host. */
const MARKS = new Set(["__Host-oms-session", "oms-session"]);
const MARK_OF_KEY = "key";
const REFRESH_AHEAD_MS = 30_000;
const REFRESH_AGAIN_MS = 30_000;
const TIMEOUT_MS = 15_000;
const ENDED = "Your session has ended. Sign in again.";

const listeners = new Set<() => void>();
/** Tells the other tabs to look at the mark again. */
const tabs = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("oms.session");
let notice: string | null = null;
let refreshing: Promise<boolean> | null = null;
let renewed: { mark: string | null; atMs: number } = { mark: null, atMs: 0 };

function tell(): void {
  for (const listener of listeners) listener();
}
tabs?.addEventListener("message", tell);

function tellAllTabs(): void {
  tell();
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has its own origin alone.
  tabs?.postMessage(null);
}

/** When the access of the session ends, in seconds of the epoch, or "key" for an API key; null without a session. */
export function sessionMark(cookies: string = document.cookie): string | null {
  for (const part of cookies.split(";")) {
    const [name, value] = part.trim().split("=", 2);
    if (name !== undefined && value && MARKS.has(name)) return value;
  }
  return null;
}

/** The server has set the cookies of a session. */
export function signedIn(): void {
  notice = null;
  tellAllTabs();
}

/** Ends the session and lets the server take its cookies back. Throws when the server cannot be reached. */
export async function signOut(): Promise<void> {
  await freshen();
  if (sessionMark() !== null) await ask(LOGOUT, {});
  signedOut(null);
}

function signedOut(reason: string | null): void {
  notice = reason;
  tellAllTabs();
}

/** Why the last session ended, for the sign-in page. */
export function endOfSession(): string | null {
  return notice;
}

export function useIsSignedIn(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => sessionMark() !== null,
  );
}

/** True when the access of the session is about to end, by a clock that may be wrong: then now and again. */
export function isDue(mark: string | null, nowMs: number): boolean {
  if (mark === null || mark === MARK_OF_KEY) return false;
  if (mark === renewed.mark && nowMs < renewed.atMs + REFRESH_AGAIN_MS) return false;
  return nowMs >= Number(mark) * 1000 - REFRESH_AHEAD_MS;
}

/** Renews the session when it is about to end. */
export async function freshen(): Promise<void> {
  if (isDue(sessionMark(), Date.now())) await refresh();
}

/** Renews the session once, however many callers and tabs wait. False, and signed out, when that is refused. */
export function refresh(): Promise<boolean> {
  refreshing ??= oneTabAtATime(sessionMark()).finally(() => {
    refreshing = null;
  });
  return refreshing;
}

async function oneTabAtATime(seen: string | null): Promise<boolean> {
  // A refresh token is taken once: a second tab that sent it too would end the session for all.
  if (navigator.locks === undefined) return await renew(seen);
  return await navigator.locks.request("oms.session", () => renew(seen));
}

async function renew(seen: string | null): Promise<boolean> {
  const mark = sessionMark();
  if (mark !== seen && mark !== null) return true;
  const answer = await ask(REFRESH, { input: { refreshToken: "" } });
  const outage = answer.errors?.find((error) => error.extensions?.code !== "UNAUTHENTICATED");
  if (outage) throw new Error(outage.message);
  if (!answer.data?.refreshToken?.tokens) {
    signedOut(ENDED);
    return false;
  }
  renewed = { mark: sessionMark(), atMs: Date.now() };
  return true;
}

interface Answer<Data> {
  errors?: { message: string; extensions?: { code?: string } }[];
  data?: Data | null;
}

async function ask<Data, Variables>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
): Promise<Answer<Data>> {
  const response = await fetch("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json", ...SESSION_HEADER },
    body: JSON.stringify({ query: stringifyDocument(document), variables }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  // A failing server says nothing about the session: keep it and let the caller try again.
  if (response.status >= 500 || response.status === 429) throw new Error(`the server answered ${response.status}`);
  return (await response.json()) as Answer<Data>;
}
