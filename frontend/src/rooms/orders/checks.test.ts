import { describe, expect, it } from "vitest";

import { changeInWords, inOrder, inputsOf, microsInWords } from "./checks";

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

  it("have separators whether they came as text or as numbers", () => {
    expect(inputsOf({ placed: 12_500, value: "5000000", ratio: 0.25 })).toEqual([
      ["placed", "12,500"],
      ["value", "5,000,000"],
      ["ratio", "0.25"],
    ]);
  });
});

describe("what a change asked for", () => {
  it("has prices as fine as the tick, and never rounds one", () => {
    expect(changeInWords({ quantity: "5000", limitPrice: "200", stopPrice: null }, "0.01")).toBe("quantity 5,000, limit price 200.00");
    expect(changeInWords({ stopPrice: "1200.125" }, "0.01")).toBe("stop price 1,200.125");
    expect(changeInWords(null, "0.01")).toBe("other terms");
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
