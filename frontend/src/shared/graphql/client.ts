/** The two ways to the API: urql over HTTP for queries and mutations, graphql-ws for what is live. */
import { Client, fetchExchange } from "@urql/core";
import { createClient as createSocket, type Client as Socket } from "graphql-ws";

import { bearerToken, refresh, signOut } from "./session";
import { connection } from "./connection";

const REQUEST_MS_MAX = 15_000;
const PING_EVERY_MS = 5_000;
const PONG_MS_MAX = 5_000;
const RETRY_MS_MAX = 15_000;
const NORMAL_CLOSURE = 1000;

/** fetch with the session's credential; a token that the server no longer takes is renewed once. */
export async function authorisedFetch(input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> {
  const token = await bearerToken();
  const response = await send(input, init, token);
  if (token === null || !(await isUnauthenticated(response))) return response;
  const renewed = await refresh();
  if (renewed === null) {
    signOut("Your session has ended. Sign in again.");
    return response;
  }
  return await send(input, init, renewed);
}

async function send(input: RequestInfo | URL, init: RequestInit, token: string | null): Promise<Response> {
  const headers = new Headers(init.headers);
  if (token !== null && !headers.has("authorization")) headers.set("authorization", `Bearer ${token}`);
  const limit = AbortSignal.timeout(REQUEST_MS_MAX);
  const signal = init.signal ? AbortSignal.any([init.signal, limit]) : limit;
  return await fetch(input, { ...init, headers, signal });
}

async function isUnauthenticated(response: Response): Promise<boolean> {
  if (response.status === 401) return true;
  if (!response.headers.get("content-type")?.includes("json")) return false;
  const body = (await response.clone().json()) as { errors?: { extensions?: { code?: string } }[] };
  return body.errors?.some((error) => error.extensions?.code === "UNAUTHENTICATED") ?? false;
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

/** A client of graphql-transport-ws that reconnects for ever and closes a socket whose server went silent. */
export function openSocket(): Socket {
  let watchdog: ReturnType<typeof setTimeout> | undefined;
  const socket = createSocket({
    url: socketUrl(),
    connectionParams: async () => {
      const token = await bearerToken();
      return token === null ? {} : { authorization: `Bearer ${token}` };
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
        const isOurs = (event as CloseEvent).code === NORMAL_CLOSURE;
        connection.set(isOurs ? "idle" : "reconnecting");
      },
    },
  });
  return socket;
}
