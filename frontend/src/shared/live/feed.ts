/** Health of one source of data: was it ever heard, when last, and what went wrong since. */
import { useEffect, useState, useSyncExternalStore } from "react";

export interface FeedState {
  /** Milliseconds of the local clock; null until the first answer. */
  heardAtMs: number | null;
  failure: string | null;
}

export interface Feed {
  state(): FeedState;
  heard(): void;
  fail(message: string): void;
  listen(listener: () => void): () => void;
}

/** Being heard again and again need not render anything; a first answer and an ended failure do. */
export function createFeed(now: () => number = Date.now): Feed {
  let state: FeedState = { heardAtMs: null, failure: null };
  const listeners = new Set<() => void>();

  function set(next: FeedState): void {
    state = next;
    for (const listener of listeners) listener();
  }

  return {
    state: () => state,
    heard() {
      if (state.heardAtMs === null || state.failure !== null) set({ heardAtMs: now(), failure: null });
      else state.heardAtMs = now();
    },
    fail: (failure) => set({ ...state, failure }),
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export function useFeed(feed: Feed): FeedState {
  return useSyncExternalStore(feed.listen, feed.state);
}

const LOOK_EVERY_MS = 1_000;

/** How long the feed has been silent beyond the limit, in milliseconds, looked at each second; null while it is fresh. */
export function useSilence(feed: Feed, limitMs: number): number | null {
  const [silence, setSilence] = useState<number | null>(null);
  useEffect(() => {
    const timer = setInterval(() => {
      const { heardAtMs } = feed.state();
      const age = heardAtMs === null ? 0 : Date.now() - heardAtMs;
      setSilence(age > limitMs ? age : null);
    }, LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, [feed, limitMs]);
  return silence;
}
