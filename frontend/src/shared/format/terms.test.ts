import { describe, expect, it } from "vitest";

import { termsInWords } from "./terms";

const TERMS = { orderType: "MARKET", limitPrice: null, stopPrice: null, trailingAmount: null };

describe("the terms of an order", () => {
  it.each([
    [TERMS, "market"],
    [{ ...TERMS, orderType: "LIMIT", limitPrice: "187.50" }, "limit 187.5"],
    [{ ...TERMS, orderType: "STOP", stopPrice: "140.00" }, "stop 140"],
    [{ ...TERMS, orderType: "STOP_LIMIT", stopPrice: "186", limitPrice: "187.5" }, "stop 186 limit 187.5"],
    [{ ...TERMS, orderType: "TRAILING_STOP", trailingAmount: "2.50", stopPrice: "185" }, "trailing stop 2.5"],
    [{ ...TERMS, orderType: "TRAILING_STOP" }, "trailing stop"],
  ])("%j", (terms, words) => {
    expect(termsInWords(terms)).toBe(words);
  });
});
