import { describe, expect, it } from "vitest";

import { arranged, moved, nextSorting, NO_LAYOUT, ordered, readLayout, readViews, sorted, type LiveColumn } from "./layout";

interface Row {
  symbol: string;
  price: string;
}

const COLUMNS: readonly LiveColumn<Row>[] = [
  { key: "symbol", header: "Symbol", width: 80, isCompact: true, cell: (row) => row.symbol, text: (row) => row.symbol },
  { key: "price", header: "Price", width: 80, isNumber: true, cell: (row) => row.price, text: (row) => row.price },
  { key: "note", header: "Note", width: 80, isExtra: true, cell: () => "", text: () => "" },
];
const keys = (columns: readonly LiveColumn<Row>[]): string[] => columns.map((column) => column.key);

describe("the arrangement of a table", () => {
  it("shows what is not extra, and on a narrow screen what is compact", () => {
    expect(keys(arranged(COLUMNS, NO_LAYOUT, false))).toEqual(["symbol", "price"]);
    expect(keys(arranged(COLUMNS, NO_LAYOUT, true))).toEqual(["symbol"]);
  });

  it("is the person's where they decided", () => {
    const layout = { ...NO_LAYOUT, order: ["price", "symbol"], shown: { symbol: false, note: true } };

    expect(keys(arranged(COLUMNS, layout, true))).toEqual(["note"]);
    expect(keys(arranged(COLUMNS, layout, false))).toEqual(["price", "note"]);
  });

  it("gives a column that came later its place behind the one before it", () => {
    expect(keys(ordered(COLUMNS, ["price", "gone", "symbol"]))).toEqual(["price", "note", "symbol"]);
  });

  it("moves a column before another, or behind all", () => {
    expect(moved(["a", "b", "c"], "c", "a")).toEqual(["c", "a", "b"]);
    expect(moved(["a", "b", "c"], "a", null)).toEqual(["b", "c", "a"]);
  });

  it.each([null, 7, "text", [], { order: "x", widths: { a: "wide", b: 1e9 }, shown: 3, sorting: { key: 4 } }])(
    "is as delivered where the profile holds %j",
    (raw) => {
      expect(readLayout(raw)).toEqual(NO_LAYOUT);
    },
  );

  it("leaves out views that are none", () => {
    const views = readViews([{ name: "", layout: {} }, 4, { name: "mine", search: { state: "open", odd: 4 } }]);

    expect(views).toEqual([{ name: "mine", layout: NO_LAYOUT, search: { state: "open" } }]);
  });
});

describe("sorting", () => {
  const rows: readonly Row[] = [
    { symbol: "B", price: "10" },
    { symbol: "A", price: "9.5" },
    { symbol: "C", price: "" },
  ];

  it("goes by the number and not by its digits, nothing last either way", () => {
    expect(sorted(rows, COLUMNS, { key: "price", isDown: false }).map((row) => row.price)).toEqual(["9.5", "10", ""]);
    expect(sorted(rows, COLUMNS, { key: "price", isDown: true }).map((row) => row.price)).toEqual(["10", "9.5", ""]);
  });

  it("leaves the rows as they come without a column", () => {
    expect(sorted(rows, COLUMNS, null)).toBe(rows);
    expect(sorted(rows, COLUMNS, { key: "gone", isDown: true })).toBe(rows);
  });

  it("goes up, down and away by clicks", () => {
    const up = nextSorting(null, "price");
    const down = nextSorting(up, "price");

    expect([up, down, nextSorting(down, "price")]).toEqual([
      { key: "price", isDown: false },
      { key: "price", isDown: true },
      null,
    ]);
  });
});
