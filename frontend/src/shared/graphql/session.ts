/**
 * Who is signed in. The credential lives in this tab's sessionStorage: it ends with the tab, and a second tab never
 * holds the same refresh token, whose second use would revoke the session.
 */
import { useSyncExternalStore } from "react";

export interface Tokens {
  kind: "tokens";
  accessToken: string;
  refreshToken: string;
  /** Local clock, so that a wrong clock here costs at most a refresh too many. */
  refreshAtMs: number;
}
export interface Key {
  kind: "apiKey";
  apiKey: string;
}
export type Credential = Tokens | Key;

const KEY = "oms.session";
const REFRESH_AHEAD_MS = 30_000;
const LIFETIME_MS_MIN = 30_000;
const TIMEOUT_MS = 15_000;

const listeners = new Set<() => void>();
let current: Credential | null = read();
let notice: string | null = null;
let refreshing: Promise<string | null> | null = null;

function read(): Credential | null {
  const stored = sessionStorage.getItem(KEY);
  return stored === null ? null : (JSON.parse(stored) as Credential);
}

function write(credential: Credential | null): void {
  current = credential;
  if (credential === null) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, JSON.stringify(credential));
  for (const listener of listeners) listener();
}

export function tokensFrom(
  pair: { accessToken: string; refreshToken: string; expiresAt: string },
  nowMs: number,
): Tokens {
  const lifetimeMs = Math.max(LIFETIME_MS_MIN, Date.parse(pair.expiresAt) - nowMs);
  return {
    kind: "tokens",
    accessToken: pair.accessToken,
    refreshToken: pair.refreshToken,
    refreshAtMs: nowMs + Math.max(lifetimeMs - REFRESH_AHEAD_MS, lifetimeMs / 2),
  };
}

export function signIn(credential: Credential): void {
  notice = null;
  write(credential);
}

export function signOut(reason: string | null = null): void {
  notice = reason;
  write(null);
}

/** Why the last session ended, for the sign-in page. */
export function endOfSession(): string | null {
  return notice;
}

export function useCredential(): Credential | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );
}

/** The bearer token of now, refreshed when it is about to end; null when nobody is signed in. */
export async function bearerToken(): Promise<string | null> {
  if (current === null) return null;
  if (current.kind === "apiKey") return current.apiKey;
  return Date.now() < current.refreshAtMs ? current.accessToken : await refresh();
}

/** Asks for new tokens once, however many callers wait. Null, and signed out, when they are refused. */
export function refresh(): Promise<string | null> {
  refreshing ??= requestTokens().finally(() => {
    refreshing = null;
  });
  return refreshing;
}

const REFRESH = `mutation RefreshToken($input: RefreshTokenInput!) {
  refreshToken(input: $input) { tokens { accessToken refreshToken expiresAt } errors { code message } }
}`;

interface RefreshAnswer {
  errors?: { message: string; extensions?: { code?: string } }[];
  data?: { refreshToken: { tokens: { accessToken: string; refreshToken: string; expiresAt: string } | null } } | null;
}

async function requestTokens(): Promise<string | null> {
  if (current?.kind !== "tokens") return null;
  const response = await fetch("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: REFRESH, variables: { input: { refreshToken: current.refreshToken } } }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  // A failing server says nothing about the session: keep it and let the caller try again.
  if (response.status >= 500 || response.status === 429) throw new Error(`the server answered ${response.status}`);
  const answer = (await response.json()) as RefreshAnswer;
  const pair = answer.data?.refreshToken.tokens;
  const outage = answer.errors?.find((error) => error.extensions?.code !== "UNAUTHENTICATED");
  if (outage) throw new Error(outage.message);
  if (!pair) {
    signOut("Your session has ended. Sign in again.");
    return null;
  }
  const tokens = tokensFrom(pair, Date.now());
  write(tokens);
  return tokens.accessToken;
}
