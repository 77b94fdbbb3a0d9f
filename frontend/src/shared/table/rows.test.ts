import { describe, expect, it } from "vitest";

import { createRowStore, type RowStore } from "./rows";

interface Row {
  id: string;
  version: number;
  state: string;
}

function storeWith(limit?: number): { store: RowStore<Row>; frame: () => void; renders: () => number } {
  const frames: (() => void)[] = [];
  const store = createRowStore<Row>({
    id: (row) => row.id,
    compare: (left, right) => right.id.localeCompare(left.id),
    isOlder: (next, held) => next.version < held.version,
    schedule: (flush) => frames.push(flush),
    ...(limit === undefined ? {} : { limit }),
  });
  let count = 0;
  store.listen(() => {
    count += 1;
  });
  return { store, frame: () => frames.splice(0).forEach((flush) => flush()), renders: () => count };
}

describe("a row store", () => {
  it("renders once for many changes in a frame", () => {
    const { store, frame, renders } = storeWith();

    for (let version = 1; version <= 500; version += 1) store.upsert({ id: "a", version, state: `${version}` });
    frame();

    expect(renders()).toBe(1);
    expect(store.rows()).toEqual([{ id: "a", version: 500, state: "500" }]);
  });

  it("keeps the newer version when an older one arrives late", () => {
    const { store, frame } = storeWith();
    store.upsert({ id: "a", version: 3, state: "FILLED" });

    store.upsert({ id: "a", version: 2, state: "ROUTED" });
    frame();

    expect(store.rows()).toEqual([{ id: "a", version: 3, state: "FILLED" }]);
  });

  it("keeps what a live event brought when a snapshot taken before it arrives after it", () => {
    const { store, frame } = storeWith();
    store.upsert({ id: "a", version: 5, state: "FILLED" });

    store.replace([
      { id: "a", version: 4, state: "ROUTED" },
      { id: "b", version: 1, state: "NEW" },
    ]);
    frame();

    expect(store.rows().map((row) => [row.id, row.state])).toEqual([
      ["b", "NEW"],
      ["a", "FILLED"],
    ]);
  });

  it("drops what the snapshot lacks", () => {
    const { store, frame } = storeWith();
    store.upsert({ id: "a", version: 1, state: "NEW" });

    store.replace([]);
    frame();

    expect(store.rows()).toEqual([]);
  });

  it("holds no more than its limit", () => {
    const { store, frame } = storeWith(2);

    for (const id of ["a", "c", "b"]) store.upsert({ id, version: 1, state: "NEW" });
    frame();

    expect(store.rows().map((row) => row.id)).toEqual(["c", "b"]);
    expect(store.get("a")).toBeUndefined();
  });
});
