import { describe, expect, it } from "vitest";

import { placedThrough } from "./origin";

describe("the way of an order into the house", () => {
  it.each([
    ["API", "API"],
    ["UI", "Dashboard"],
    ["STRATEGY", "Strategy"],
    ["EXTERNAL", "The broker, outside the house"],
  ] as const)("%s is %s", (origin, words) => {
    expect(placedThrough(origin)).toBe(words);
  });
});
