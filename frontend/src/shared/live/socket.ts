/** The one socket of the page, and subscriptions on it that are taken up again for as long as they are wanted. */
import { stringifyDocument, type TypedDocumentNode } from "@urql/core";
import type { Client as Socket } from "graphql-ws";

import { openSocket } from "../graphql/client";
import { connection } from "../graphql/connection";
import type { Feed } from "./feed";

const AGAIN_MS = 3_000;

let socket: Socket | null = null;

function theSocket(): Socket {
  socket ??= openSocket();
  return socket;
}

/** Ends the socket with the session. */
export function closeSocket(): void {
  const ended = socket;
  socket = null;
  // A socket that is just being made tells its failure here too: nobody waits for it any more.
  if (ended) Promise.resolve(ended.dispose()).catch(() => undefined);
}

/** Drops the connection though it looks alive, so that it is made anew: for a server that is silent in band. */
export function renewSocket(): void {
  socket?.terminate();
}

export interface SubscribeOptions {
  /** Called when the socket is there again after it was away: take a snapshot. */
  onStart?: () => void;
}

/**
 * Follows a subscription until the answer is called.
 *
 * A refusal goes to the feed, in the server's words, and ends it; a stream that merely ended is followed anew.
 */
export function subscribe<Data, Variables extends Record<string, unknown>>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  feed: Feed,
  take: (data: Data) => void,
  options: SubscribeOptions = {},
): () => void {
  let isOver = false;
  let stop: (() => void) | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function again(cause: unknown): void {
    if (isOver) return;
    const refusal = refusalOf(cause);
    if (refusal !== null) {
      feed.fail(refusal);
      return;
    }
    clearTimeout(timer);
    timer = setTimeout(start, AGAIN_MS);
  }

  function start(): void {
    if (isOver) return;
    stop = theSocket().subscribe<Data>(
      { query: stringifyDocument(document), variables },
      {
        next: ({ data, errors }) => {
          if (errors?.[0]) feed.fail(errors[0].message);
          if (!data) return;
          feed.heard();
          take(data);
        },
        error: again,
        complete: () => again(null),
      },
    );
  }

  let wasLive = connection.get() === "live";
  const stopListening = connection.listen(() => {
    const isLive = connection.get() === "live";
    if (isLive && !wasLive) options.onStart?.();
    wasLive = isLive;
  });
  start();

  return () => {
    isOver = true;
    clearTimeout(timer);
    stopListening();
    stop?.();
  };
}

/** The words of a GraphQL refusal; null when the connection or the server merely went away. */
export function refusalOf(cause: unknown): string | null {
  return Array.isArray(cause) ? ((cause[0] as { message?: string } | undefined)?.message ?? "Refused.") : null;
}
