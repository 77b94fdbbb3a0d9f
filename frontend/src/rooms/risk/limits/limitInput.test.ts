import { describe, expect, it } from "vitest";

import type { Limit } from "../documents";
import { localOf, readConditions, readLimit, symbolsOf } from "./limitInput";

function form(fields: Record<string, string>): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.set(name, value);
  return data;
}

describe("the form of a limit", () => {
  it("makes a new limit of what was typed, and sends amounts as they are", () => {
    const read = readLimit(form({ limitType: "MAX_ORDER_NOTIONAL", value: "250000.10", currency: "usd", accountId: "a", isActive: "true" }), null, "i");

    expect(read).toMatchObject({
      input: { limitType: "MAX_ORDER_NOTIONAL", value: "250000.10", currency: "USD", accountId: "a", instrumentId: "i", isActive: true, isShadow: false },
    });
  });

  it("keeps what a limit covers, and names the version that was seen", () => {
    const limit = { id: "l", version: 3, limitType: "MAX_OPEN_ORDERS", accountId: "a", instrumentId: null } as Limit;

    expect(readLimit(form({ value: "5", accountId: "b", currency: "USD" }), limit, "i")).toMatchObject({
      input: { id: "l", expectedVersion: 3, accountId: "a", instrumentId: null, currency: null, isActive: false },
    });
  });

  it("takes symbols in any letters, once each", () => {
    expect(symbolsOf(" aapl, MSFT\nAapl;")).toEqual(["AAPL", "MSFT"]);
    expect(readLimit(form({ limitType: "SYMBOL_BLACKLIST", symbols: "aapl" }), null, null)).toMatchObject({
      input: { value: null, conditions: { symbols: ["AAPL"] } },
    });
  });

  it("says so when the conditions are no object", () => {
    expect(readConditions("")).toEqual({ conditions: {} });
    expect(readConditions("[1]")).toHaveProperty("problem");
    expect(readConditions("{oops")).toHaveProperty("problem");
  });

  it("shows an instant so that it comes back as the same", () => {
    const instant = "2026-11-21T09:30:00.000Z";

    expect(new Date(localOf(instant)).toISOString()).toBe(instant);
    expect(localOf(null)).toBe("");
  });
});
