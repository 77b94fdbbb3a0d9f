/** A row store that follows a batch subscription: snapshot, numbered deltas, heartbeats, resets. */
import type { TypedDocumentNode } from "@urql/core";

import type { RowStore } from "../table/rows";
import type { Feed } from "./feed";
import { renewSocket, subscribe } from "./socket";

export interface Batch<Row> {
  kind: "SNAPSHOT" | "DELTA" | "HEARTBEAT" | "RESET";
  sequence: number;
  hasMore: boolean;
  removedIds: readonly string[];
  upserts: readonly Row[];
}

/** The server sends a heartbeat after five quiet seconds. */
export const BATCH_SILENCE_MS = 12_000;
const LOOK_EVERY_MS = 1_000;

export type Taken = "taken" | "gap";

export interface BatchReader<Row> {
  take(batch: Batch<Row>): Taken;
  /** True from the first complete snapshot on. */
  isComplete(): boolean;
}

/** Puts batches into the store. A gap in their numbers is told: subscribe anew. */
export function createBatchReader<Row>(store: RowStore<Row>): BatchReader<Row> {
  let last = 0;
  let isPaging = false;
  let isComplete = false;

  return {
    take(batch) {
      // The first of a subscription, or of one that the socket has begun again.
      const isFirst = batch.sequence === 1;
      if (!isFirst && batch.sequence !== last + 1) return "gap";
      last = batch.sequence;
      if (batch.kind === "SNAPSHOT") {
        if (isPaging && !isFirst) for (const row of batch.upserts) store.upsert(row);
        else store.replace(batch.upserts);
        isPaging = batch.hasMore;
        if (!batch.hasMore) isComplete = true;
      } else if (batch.kind === "DELTA") {
        for (const row of batch.upserts) store.upsert(row);
        store.remove(batch.removedIds);
      } else if (batch.kind === "RESET") isPaging = false;
      return "taken";
    },
    isComplete: () => isComplete,
  };
}

export interface FollowBatches<Data, Variables extends Record<string, unknown>, Row> {
  document: TypedDocumentNode<Data, Variables>;
  variables: Variables;
  batchOf: (data: Data) => Batch<Row>;
  store: RowStore<Row>;
  feed: Feed;
}

/** Follows until the answer is called; a gap, or silence beyond the heartbeats, begins it anew. */
export function followBatches<Data, Variables extends Record<string, unknown>, Row>(
  options: FollowBatches<Data, Variables, Row>,
): () => void {
  const { document, variables, batchOf, store, feed } = options;
  let heardAtMs = Date.now();
  let stop = begin();

  function begin(): () => void {
    const reader = createBatchReader(store);
    return subscribe(document, variables, feed, (data) => {
      heardAtMs = Date.now();
      if (reader.take(batchOf(data)) === "taken") return;
      stop();
      stop = begin();
    });
  }

  const watchdog = setInterval(() => {
    if (Date.now() - heardAtMs < BATCH_SILENCE_MS) return;
    heardAtMs = Date.now();
    // A background tab's timers sleep: what is silent because of that is found alive by the renewed socket.
    if (feed.state().failure === null) renewSocket();
  }, LOOK_EVERY_MS);

  return () => {
    clearInterval(watchdog);
    stop();
  };
}
