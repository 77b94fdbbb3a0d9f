import { describe, expect, it, vi } from "vitest";

import { createRowStore, type RowStore } from "../table/rows";

vi.mock("./socket", () => ({ subscribe: () => () => {}, renewSocket: () => {} }));
const { createBatchReader } = await import("./batches");
type Batch = Parameters<ReturnType<typeof createBatchReader<Row>>["take"]>[0];

interface Row {
  id: string;
  state: string;
}

function batch(kind: Batch["kind"], sequence: number, upserts: Row[] = [], more: Partial<Batch> = {}): Batch {
  return { kind, sequence, upserts, removedIds: [], hasMore: false, ...more };
}

function shown(store: RowStore<Row>): string[] {
  return [...store.held()].map((row) => `${row.id} ${row.state}`);
}

function reader() {
  const store = createRowStore<Row>({
    id: (row) => row.id,
    compare: (left, right) => left.id.localeCompare(right.id),
    schedule: () => {},
  });
  return { store, ...createBatchReader(store) };
}

const A = { id: "a", state: "NEW" };
const B = { id: "b", state: "NEW" };

describe("a live table's batches", () => {
  it("make the snapshot of its pages and then follow the deltas", () => {
    const { store, take, isComplete } = reader();

    take(batch("SNAPSHOT", 1, [A], { hasMore: true }));
    expect(isComplete()).toBe(false);
    take(batch("SNAPSHOT", 2, [B]));
    take(batch("DELTA", 3, [{ ...A, state: "FILLED" }], { removedIds: ["b", "never shown"] }));

    expect(isComplete()).toBe(true);
    expect(shown(store)).toEqual(["a FILLED"]);
  });

  it("are all forgotten with the snapshot after a reset", () => {
    const { store, take } = reader();
    take(batch("SNAPSHOT", 1, [A]));

    take(batch("RESET", 2));
    take(batch("SNAPSHOT", 3, [B]));

    expect(shown(store)).toEqual(["b NEW"]);
  });

  it("begin anew where a reset came between the pages of a snapshot", () => {
    const { store, take } = reader();
    take(batch("SNAPSHOT", 1, [A], { hasMore: true }));

    take(batch("RESET", 2));
    take(batch("SNAPSHOT", 3, [B]));

    expect(shown(store)).toEqual(["b NEW"]);
  });

  it("tell a gap in their numbers and leave the rows alone", () => {
    const { store, take } = reader();
    take(batch("SNAPSHOT", 1, [A]));

    expect(take(batch("DELTA", 3, [B]))).toBe("gap");
    expect(shown(store)).toEqual(["a NEW"]);
  });

  it("count from one again after the socket came back", () => {
    const { store, take } = reader();
    take(batch("SNAPSHOT", 1, [A]));
    take(batch("HEARTBEAT", 2));

    expect(take(batch("SNAPSHOT", 1, [B]))).toBe("taken");
    expect(shown(store)).toEqual(["b NEW"]);
  });
});
