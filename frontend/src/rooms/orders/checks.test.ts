import { describe, expect, it } from "vitest";

import { inOrder, inputsOf, microsInWords } from "./checks";

const check = (outcome: "FAILED" | "PASSED" | "SKIPPED", isShadow = false) => ({ outcome, isShadow });

describe("the facts of a check", () => {
  it("are told by name, exactly, and those within others too", () => {
    expect(inputsOf({ openBuys: "1200.50", isStale: false, quote: { bid: "99.5", ask: null }, symbols: ["AAPL", "MSFT"] })).toEqual([
      ["open buys", "1,200.5"],
      ["is stale", "no"],
      ["quote, bid", "99.5"],
      ["symbols", "AAPL, MSFT"],
    ]);
    expect(inputsOf(null)).toEqual([]);
  });
});

describe("the checks of an order", () => {
  it("begin with what refused, and end with shadows", () => {
    expect(inOrder([check("FAILED", true), check("SKIPPED"), check("PASSED"), check("FAILED")])).toEqual([
      check("FAILED"),
      check("PASSED"),
      check("SKIPPED"),
      check("FAILED", true),
    ]);
  });

  it("tell how long they took", () => {
    expect(microsInWords(840)).toBe("840 µs");
    expect(microsInWords(1_240)).toBe("1.2 ms");
  });
});
