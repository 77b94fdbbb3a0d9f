/** The two ways to the API: urql over HTTP for queries and mutations, graphql-ws for what is live. */
import { Client, fetchExchange } from "@urql/core";
import { createClient as createSocket, type Client as Socket } from "graphql-ws";

import { freshen, refresh, SESSION_HEADER, sessionMark } from "./session";
import { demand, ENROLMENT_REQUIRED } from "../twoFactor/demand";
import { connection } from "./connection";
import { noteRateLimit } from "./rateLimit";

const REQUEST_MS_MAX = 15_000;
const PING_EVERY_MS = 5_000;
const PONG_MS_MAX = 5_000;
const RETRY_MS_MAX = 15_000;
const NORMAL_CLOSURE = 1000;
/** The credential of the socket holds no longer, or never did. */
const FORBIDDEN = 4403;

/** fetch with the session's cookies; a session that the server no longer takes is renewed once. */
export async function authorisedFetch(input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> {
  await freshen();
  const response = await send(input, init);
  const isOwn = !new Headers(init.headers).has("authorization") && sessionMark() !== null;
  const codes = await codesOf(response);
  if (codes.has(ENROLMENT_REQUIRED)) demand.set(true);
  const isRefused = response.status === 401 || codes.has("UNAUTHENTICATED");
  if (!isOwn || !isRefused || !(await refresh())) return response;
  return await send(input, init);
}

async function send(input: RequestInfo | URL, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers);
  for (const [name, value] of Object.entries(SESSION_HEADER)) headers.set(name, value);
  const limit = AbortSignal.timeout(REQUEST_MS_MAX);
  const signal = init.signal ? AbortSignal.any([init.signal, limit]) : limit;
  const response = await fetch(input, { ...init, headers, signal });
  noteRateLimit(response.headers);
  return response;
}

async function codesOf(response: Response): Promise<ReadonlySet<string | undefined>> {
  if (!response.headers.get("content-type")?.includes("json")) return new Set();
  const body = (await response.clone().json()) as { errors?: { extensions?: { code?: string } }[] };
  return new Set(body.errors?.map((error) => error.extensions?.code));
}

export const client = new Client({
  url: new URL("/graphql", location.href).href,
  exchanges: [fetchExchange],
  fetch: authorisedFetch,
  preferGetMethod: false,
  requestPolicy: "network-only",
});

export function socketUrl(): string {
  const url = new URL("/graphql", location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

/** A client of graphql-transport-ws, admitted by the cookies of its upgrade, that reconnects for ever and closes a socket whose server went silent. */
export function openSocket(): Socket {
  let watchdog: ReturnType<typeof setTimeout> | undefined;
  let wasRefused = false;
  const socket = createSocket({
    url: async () => {
      if (wasRefused) await refresh();
      else await freshen();
      wasRefused = false;
      return socketUrl();
    },
    keepAlive: PING_EVERY_MS,
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: () => true,
    retryWait: async (attempt) => {
      const ceiling = Math.min(RETRY_MS_MAX, 500 * 2 ** Math.min(attempt, 10));
      await new Promise((resolve) => setTimeout(resolve, ceiling / 2 + (Math.random() * ceiling) / 2));
    },
    on: {
      connecting: (isRetry) => connection.set(isRetry ? "reconnecting" : "connecting"),
      connected: () => connection.set("live"),
      ping: (isReceived) => {
        if (isReceived) return;
        // keepAlive alone shows an open socket through a frozen server, and close() would wait for its answer.
        clearTimeout(watchdog);
        watchdog = setTimeout(() => socket.terminate(), PONG_MS_MAX);
      },
      pong: (isReceived) => {
        if (isReceived) clearTimeout(watchdog);
      },
      closed: (event) => {
        clearTimeout(watchdog);
        const { code } = event as CloseEvent;
        wasRefused = code === FORBIDDEN;
        const isOurs = code === NORMAL_CLOSURE;
        connection.set(isOurs ? "idle" : "reconnecting");
      },
    },
  });
  return socket;
}
