import { describe, expect, it } from "vitest";

import { createSequence, keyOf, sheetOf, type Shortcut } from "./shortcuts";

const shortcut = (keys: string): Shortcut => ({ keys, label: keys, run: () => {} });
const ALL = ["g o", "g h", "o", "c", "?"].map(shortcut);

function typed(keys: string, gapMs = 100): (string | undefined)[] {
  const read = createSequence();
  return [...keys].map((key, index) => read(key, 10_000 + index * gapMs, ALL)?.keys);
}

describe("shortcuts", () => {
  it("run on one key, or on two in a row", () => {
    expect(typed("c")).toEqual(["c"]);
    expect(typed("go")).toEqual([undefined, "g o"]);
  });

  it("do not take the second key of a sequence for one of its own", () => {
    expect(typed("gc")).toEqual([undefined, undefined]);
  });

  it("forget the first key after a pause", () => {
    expect(typed("go", 2_000)).toEqual([undefined, "o"]);
  });

  it("begin anew after one has run", () => {
    expect(typed("goo")).toEqual([undefined, "g o", "o"]);
  });

  it("are written as people say them", () => {
    const key = { key: "k", ctrlKey: false, metaKey: false, altKey: false };

    expect(keyOf({ ...key, ctrlKey: true })).toBe("Ctrl+K");
    expect(keyOf({ ...key, metaKey: true })).toBe("Ctrl+K");
    expect(keyOf({ ...key, key: "Enter", ctrlKey: true })).toBe("Ctrl+Enter");
    expect(keyOf({ ...key, key: "Shift" })).toBe("");
    expect(keyOf(key)).toBe("k");
  });
});

describe("the sheet", () => {
  it("has each part once and each of its keys once, whether its place is on screen or not", () => {
    const told = { title: "In an order", shortcuts: [{ keys: "m", label: "Modify the order" }, { keys: "c", label: "Cancel the order" }] };
    const other = { title: "Table", shortcuts: [shortcut("j")] };
    const open = { title: "In an order", shortcuts: [shortcut("m"), shortcut("Escape")] };

    const sheet = sheetOf([told, other, open]);

    expect(sheet.map(({ title, shortcuts }) => [title, shortcuts.map(({ keys }) => keys)])).toEqual([
      ["In an order", ["m", "c", "Escape"]],
      ["Table", ["j"]],
    ]);
  });
});
