import { describe, expect, it } from "vitest";

import { notionalOf } from "./notional";

const QUOTE = { bid: "99.5", ask: "100.5", last: "100" };
const ORDER = { side: "BUY", quantity: "3", limitPrice: null, stopPrice: null, instrument: { multiplier: "100", quote: QUOTE } };

describe("the worth of an order", () => {
  it("is by its limit, else its stop, else the quote of its side", () => {
    expect(notionalOf({ ...ORDER, limitPrice: "0.1", stopPrice: "5" })).toBe("30.0");
    expect(notionalOf({ ...ORDER, stopPrice: "5" })).toBe("1500");
    expect(notionalOf(ORDER)).toBe("30150.0");
    expect(notionalOf({ ...ORDER, side: "SELL" })).toBe("29850.0");
  });

  it("is unknown without a price", () => {
    expect(notionalOf({ ...ORDER, instrument: { multiplier: "1", quote: null } })).toBeNull();
  });
});
