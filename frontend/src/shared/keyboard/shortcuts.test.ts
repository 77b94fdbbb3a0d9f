import { describe, expect, it } from "vitest";

import { createSequence, keyOf, type Shortcut } from "./shortcuts";

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
