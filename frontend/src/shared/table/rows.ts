/** Rows of a live table: newest version wins, changes are shown once a frame. */
import { useSyncExternalStore } from "react";

export interface RowStore<Row> {
  /** Takes a whole snapshot; what it lacks is gone. */
  replace(rows: Iterable<Row>): void;
  upsert(row: Row): void;
  /** Takes rows out; an id that is not held is no error. */
  remove(ids: Iterable<string>): void;
  get(id: string): Row | undefined;
  /** What is held now, in no order, before the next frame shows it. */
  held(): Iterable<Row>;
  /** What is shown, sorted. */
  rows(): readonly Row[];
  listen(listener: () => void): () => void;
}

export interface RowStoreOptions<Row> {
  id: (row: Row) => string;
  compare: (left: Row, right: Row) => number;
  /** True when `next` is older than `held` and must not replace it. */
  isOlder?: (next: Row, held: Row) => boolean;
  /** Keeps the first so many after sorting. */
  limit?: number;
  schedule?: (show: () => void) => void;
}

export function createRowStore<Row>(options: RowStoreOptions<Row>): RowStore<Row> {
  const { id, compare, isOlder, limit, schedule = (show) => requestAnimationFrame(show) } = options;
  let held = new Map<string, Row>();
  let sorted: readonly Row[] = [];
  let isScheduled = false;
  const listeners = new Set<() => void>();

  function put(rows: Map<string, Row>, row: Row, rival: Row | undefined): void {
    rows.set(id(row), rival !== undefined && isOlder?.(row, rival) ? rival : row);
  }

  function flush(): void {
    isScheduled = false;
    sorted = [...held.values()].toSorted(compare);
    if (limit !== undefined && sorted.length > limit) {
      sorted = sorted.slice(0, limit);
      held = new Map(sorted.map((row) => [id(row), row]));
    }
    for (const listener of listeners) listener();
  }

  function changed(): void {
    if (isScheduled) return;
    isScheduled = true;
    schedule(flush);
  }

  return {
    replace(rows) {
      const next = new Map<string, Row>();
      for (const row of rows) put(next, row, held.get(id(row)));
      held = next;
      changed();
    },
    upsert(row) {
      put(held, row, held.get(id(row)));
      changed();
    },
    remove(ids) {
      let isChanged = false;
      for (const key of ids) isChanged = held.delete(key) || isChanged;
      if (isChanged) changed();
    },
    get: (key) => held.get(key),
    held: () => held.values(),
    rows: () => sorted,
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export function useRows<Row>(store: RowStore<Row>): readonly Row[] {
  return useSyncExternalStore(store.listen, store.rows);
}
