/** A live table of the server's as a component sees it: its rows, and how fresh they are. */
import type { TypedDocumentNode } from "@urql/core";
import { useCallback, useEffect, useMemo, useState } from "react";

import { createRowStore, useRows } from "../table/rows";
import { followBatches, type Batch } from "./batches";
import { createFeed, type Feed } from "./feed";

interface Row {
  id: string;
}

interface Live<T extends Row> {
  rows: readonly T[];
  feed: Feed;
  reload: () => void;
}

export interface BatchSource<Data, Variables extends Record<string, unknown>, T extends Row> {
  document: TypedDocumentNode<Data, Variables>;
  batchOf: (data: Data) => Batch<T>;
  compare: (left: T, right: T) => number;
  /** Keeps the first so many after sorting. */
  limit?: number;
}

/** Follows the source, a constant, with these variables; null follows nothing. Other variables begin an empty table. */
export function useBatches<Data, Variables extends Record<string, unknown>, T extends Row>(
  source: BatchSource<Data, Variables, T>,
  variables: Variables | null,
): Live<T> {
  const key = JSON.stringify(variables);
  const [attempt, setAttempt] = useState(0);
  const { store, feed } = useMemo(() => {
    const options = { id: (row: T) => row.id, compare: source.compare };
    const held = createRowStore<T>(source.limit === undefined ? options : { ...options, limit: source.limit });
    return { store: held, feed: createFeed(), key };
  }, [source, key]);
  useEffect(() => {
    const given = JSON.parse(key) as Variables | null;
    if (given === null) return;
    return followBatches({ document: source.document, batchOf: source.batchOf, variables: given, store, feed });
  }, [source, key, store, feed, attempt]);
  const reload = useCallback(() => setAttempt((before) => before + 1), []);
  return { rows: useRows(store), feed, reload };
}
