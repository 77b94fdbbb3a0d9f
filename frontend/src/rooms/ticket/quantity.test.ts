import { describe, expect, it } from "vitest";

import { parseDecimal, parseQuantity, stepped } from "./quantity";

describe("a quantity as traders type it", () => {
  it.each([
    ["100", "100"],
    ["1k", "1000"],
    ["2.5K", "2500"],
    ["1.25m", "1250000"],
    ["1,000", "1000"],
    [" 10.50 ", "10.5"],
    [".5", "0.5"],
    ["0", "0"],
  ])("%j is %s", (text, value) => {
    expect(parseQuantity(text)).toBe(value);
  });

  it.each(["", ".", "-5", "1e3", "1,00", "1k5", "abc", "１００", "1".repeat(13), "NaN", "k"])("%j is none", (text) => {
    expect(parseQuantity(text)).toBeNull();
  });

  it("has no units as a price", () => {
    expect(parseDecimal("1k")).toBeNull();
    expect(parseDecimal("187.42")).toBe("187.42");
  });
});

describe("an arrow key", () => {
  it.each([
    ["187.42", "0.01", 1, "187.43"],
    ["187.42", "0.01", -10, "187.32"],
    ["0.10", "0.01", 1, "0.11"],
    ["1.0521", "0.00005", 1, "1.05215"],
    ["5", "1", -10, "1"],
    ["0.1", "0.05", 2, "0.20"],
  ])("moves %s by the step %s %d times to %s", (value, step, times, next) => {
    expect(stepped(value, step, times)).toBe(next);
  });
});
