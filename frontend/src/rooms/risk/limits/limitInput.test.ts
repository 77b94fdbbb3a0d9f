import { describe, expect, it } from "vitest";

import type { Limit } from "../documents";
import { localOf, partOf, readLimit } from "./limitInput";

function form(fields: Record<string, string>): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.set(name, value);
  return data;
}

describe("the form of a limit", () => {
  it("makes a new limit of what was typed, and sends amounts as they are", () => {
    const typed = form({ limitType: "MAX_ORDER_NOTIONAL", value: "250000.10", currency: "usd", accountId: "a", isActive: "true" });

    expect(readLimit(typed, { sides: ["BUY"] }, null, "i")).toMatchObject({
      input: {
        limitType: "MAX_ORDER_NOTIONAL",
        value: "250000.10",
        currency: "USD",
        conditions: { sides: ["BUY"] },
        accountId: "a",
        instrumentId: "i",
        isActive: true,
        isShadow: false,
      },
    });
  });

  it("keeps what a limit covers, and names the version that was seen", () => {
    const limit = { id: "l", version: 3, limitType: "MAX_OPEN_ORDERS", accountId: "a", instrumentId: null } as Limit;

    expect(readLimit(form({ value: "5", accountId: "b", currency: "USD" }), {}, limit, "i")).toMatchObject({
      input: { id: "l", expectedVersion: 3, accountId: "a", instrumentId: null, currency: null, isActive: false },
    });
  });

  it("takes the warning in percent, exactly, and tells what is no number at its field", () => {
    expect(partOf("80")).toBe("0.8");
    expect(partOf("33.3333")).toBe("0.333333");
    expect(partOf("")).toBeNull();
    expect(readLimit(form({ limitType: "MAX_OPEN_ORDERS", warnAt: "four fifths" }), {}, null, null)).toMatchObject({ field: "warnAt" });
  });

  it("shows an instant so that it comes back as the same", () => {
    const instant = "2026-11-21T09:30:00.000Z";

    expect(new Date(localOf(instant)).toISOString()).toBe(instant);
    expect(localOf(null)).toBe("");
  });

  it("leaves the seconds of a date that nobody touched, which the field does not show", () => {
    const effectiveUntil = "2027-01-04T08:00:59.999999Z";
    const limit = { id: "l", version: 1, limitType: "MAX_OPEN_ORDERS", effectiveFrom: null, effectiveUntil } as Limit;

    expect(readLimit(form({ value: "5", effectiveUntil: localOf(effectiveUntil) }), {}, limit, null)).toMatchObject({ input: { effectiveUntil } });
    expect(readLimit(form({ value: "5", effectiveUntil: "" }), {}, limit, null)).toMatchObject({ input: { effectiveUntil: null } });
  });
});
