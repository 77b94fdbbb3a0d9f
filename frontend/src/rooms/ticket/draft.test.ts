import { describe, expect, it } from "vitest";

import { inputOf, newDraft, reviewInWords, validities, type Draft } from "./draft";

function draft(patch: Partial<Draft> = {}): Draft {
  return newDraft({ accountId: "a", symbol: "AAPL", quantity: "1k", limitPrice: "187.4", ...patch }, "mine");
}

function problemsOf(patch: Partial<Draft>, instrumentId: string | null = "i"): string[] {
  const meant = inputOf(draft(patch), instrumentId);
  return "problems" in meant ? Object.keys(meant.problems) : [];
}

describe("a ticket", () => {
  it("means an order with its own id and exact numbers", () => {
    expect(inputOf(draft(), "i")).toEqual({
      input: {
        accountId: "a",
        instrumentId: "i",
        side: "BUY",
        orderType: "LIMIT",
        quantity: "1000",
        limitPrice: "187.4",
        timeInForce: "DAY",
        clientOrderId: "mine",
      },
    });
  });

  it("leaves out what its type does not have", () => {
    const meant = inputOf(draft({ orderType: "MARKET", stopPrice: "1", postOnly: true }), "i");

    expect("input" in meant && Object.keys(meant.input)).not.toContain("limitPrice");
    expect("input" in meant && Object.keys(meant.input)).not.toContain("stopPrice");
    expect("input" in meant && Object.keys(meant.input)).not.toContain("postOnly");
  });

  it("tells each field that does not hold", () => {
    expect(problemsOf({ quantity: "", limitPrice: "abc" })).toEqual(["quantity", "limitPrice"]);
    expect(problemsOf({ quantity: "0" })).toEqual(["quantity"]);
    expect(problemsOf({ accountId: "" }, null)).toEqual(["accountId", "symbol"]);
    expect(problemsOf({ orderType: "STOP_LIMIT" })).toEqual(["stopPrice"]);
    expect(problemsOf({ timeInForce: "GTD", expiresAt: "never" })).toEqual(["expiresAt"]);
    expect(problemsOf({ takeProfit: "x" })).toEqual(["takeProfit"]);
  });

  it("offers the quick validities to market and limit orders alone", () => {
    expect(validities("LIMIT")).toContain("IOC");
    expect(validities("STOP")).toEqual(["DAY", "GTC", "GTD"]);
  });
});

function reviewed(patch: Partial<Draft>): string {
  const meant = inputOf(draft(patch), "i");
  return "input" in meant ? reviewInWords(meant.input, "0.01") : "";
}

describe("the review of a ticket", () => {
  it.each([
    [{ limitPrice: "200" }, "limit 200.00, DAY"],
    [{ limitPrice: "1,200.125" }, "limit 1,200.125, DAY"],
    [{ orderType: "STOP_LIMIT", stopPrice: "186", limitPrice: "187.5", timeInForce: "GTC" }, "stop limit 186.00 / 187.50, GTC"],
    [{ orderType: "TRAILING_STOP", trailingAmount: "2.5" }, "trailing stop 2.50, DAY"],
  ] as const)("%j", (patch, words) => {
    expect(reviewed(patch)).toBe(words);
  });

  it("leaves out prices that its type does not have", () => {
    expect(reviewed({ orderType: "MARKET", stopPrice: "190" })).toBe("market, DAY");
  });
});
