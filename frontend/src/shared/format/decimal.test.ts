import { describe, expect, it } from "vitest";

import { compare, decimalsOf, formatDecimal, percent, round, signOf, subtract } from "./decimal";

describe("formatDecimal", () => {
  it("separates thousands and keeps the digits of a value no Number can hold", () => {
    expect(formatDecimal("12345678901234567890.123456789")).toBe("12,345,678,901,234,567,890.123456789");
  });

  it("shows a true minus, and no sign on a zero that was negative", () => {
    expect(formatDecimal("-1234.5", { decimals: 2 })).toBe("−1,234.50");
    expect(formatDecimal("-0.001", { decimals: 2, signed: true })).toBe("0.00");
  });

  it("removes trailing zeros when no decimals are asked for", () => {
    expect(formatDecimal("100.0000000000")).toBe("100");
    expect(formatDecimal("0.5000")).toBe("0.5");
    expect(formatDecimal("1200")).toBe("1,200");
  });

  it("puts a plus only when signed", () => {
    expect(formatDecimal("3.1", { signed: true })).toBe("+3.1");
    expect(formatDecimal("3.1")).toBe("3.1");
  });
});

describe("round", () => {
  it.each([
    ["0.125", 2, "0.12"],
    ["0.135", 2, "0.14"],
    ["-0.125", 2, "-0.12"],
    ["2.5", 0, "2"],
    ["3.5", 0, "4"],
    ["1.005", 2, "1.00"],
    ["7", 2, "7.00"],
  ])("rounds %s to %d decimals half to even: %s", (value, decimals, expected) => {
    expect(round(value, decimals)).toBe(expected);
  });
});

describe("arithmetic", () => {
  it("subtracts exactly where floating point does not", () => {
    expect(subtract("0.3", "0.1")).toBe("0.2");
    expect(subtract("187.42", "190.00")).toBe("-2.58");
  });

  it("compares across scales", () => {
    expect(compare("1.10", "1.1")).toBe(0);
    expect(compare("-2", "-1.99")).toBe(-1);
    expect(compare("10", "9.999")).toBe(1);
  });

  it("gives per cent with two decimals, and none of nothing", () => {
    expect(percent("-2.58", "190.00")).toBe("-1.36");
    expect(percent("1", "0")).toBeNull();
  });

  it("knows the sign", () => {
    expect([signOf("-0.00"), signOf("-0.01"), signOf("5")]).toEqual([0, -1, 1]);
  });

  it("reads decimals off the tick size", () => {
    expect([decimalsOf("0.0100000000"), decimalsOf("1"), decimalsOf("0.00005")]).toEqual([2, 0, 5]);
  });

  it("refuses what is not a decimal", () => {
    expect(() => formatDecimal("NaN")).toThrow(RangeError);
    expect(() => formatDecimal("1e5")).toThrow(RangeError);
  });
});
