/** What the server tells of by itself, followed once for all who listen on the page. */
import type { TypedDocumentNode } from "@urql/core";

import { ALERTS, CASES, HALTS, RESTRICTIONS, TRIPS } from "./documents";
import { createFeed, type Feed } from "./feed";
import { subscribe, type SubscribeOptions } from "./socket";

export interface Listener<Data> {
  take: (data: Data) => void;
  /** The socket was away and is there again: what came meanwhile was not told. */
  onStart?: () => void;
}

export interface Topic<Data> {
  feed: Feed;
  /** Listens until the answer is called. */
  follow: (listener: Listener<Data>) => () => void;
}

type Subscribe<Data> = (feed: Feed, take: (data: Data) => void, options: SubscribeOptions) => () => void;

/** A topic over any way to subscribe: begun with the first who listens, ended with the last. */
export function createTopic<Data>(begin: Subscribe<Data>): Topic<Data> {
  const listeners = new Set<Listener<Data>>();
  const feed = createFeed();
  let stop: (() => void) | null = null;

  return {
    feed,
    follow(listener) {
      listeners.add(listener);
      stop ??= begin(
        feed,
        (data) => {
          for (const each of listeners) each.take(data);
        },
        {
          onStart() {
            for (const each of listeners) each.onStart?.();
          },
        },
      );
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        stop?.();
        stop = null;
      };
    },
  };
}

function topicOf<Data>(document: TypedDocumentNode<Data, Record<string, never>>): Topic<Data> {
  return createTopic((feed, take, options) => subscribe(document, {}, feed, take, options));
}

export const alertsTopic = topicOf(ALERTS);

/** The halts in force, then each that is set or released. */
export const haltsTopic = topicOf(HALTS);

export const tripsTopic = topicOf(TRIPS);

export const casesTopic = topicOf(CASES);

export const restrictionsTopic = topicOf(RESTRICTIONS);
