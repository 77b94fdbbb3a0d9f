import { describe, expect, it } from "vitest";

import { amountInWords, conditionsInWords, drillState, limitState } from "./words";

const NOW = new Date("2026-11-21T12:00:00Z");
const ON = { isActive: true, isShadow: false, effectiveFrom: null, effectiveUntil: null };

describe("a limit in words", () => {
  it("has its amount in the unit of its type, exactly", () => {
    expect(amountInWords("MAX_ORDER_NOTIONAL", "250000.00", "USD")).toBe("250,000 USD");
    expect(amountInWords("MAX_DRAWDOWN", "25", null)).toBe("25 %");
    expect(amountInWords("MAX_DRAWDOWN", "25000", "EUR")).toBe("25,000 EUR");
    expect(amountInWords("MAX_LEVERAGE", "1.5", null)).toBe("1.5×");
    expect(amountInWords("COOLDOWN", "60", null)).toBe("60 s");
    expect(amountInWords("WASH_TRADE", null, null)).toBe("–");
  });

  it("tells its conditions, lists and hours among them", () => {
    expect(conditionsInWords({ symbols: ["AAPL", "MSFT"], outsideHours: true })).toBe("symbols AAPL, MSFT; outside hours yes");
    expect(conditionsInWords({ times: { from: "09:30", to: "16:00" } })).toBe("times from 09:30 to 16:00");
    expect(conditionsInWords(null)).toBe("");
  });

  it("is in force, a shadow, off, over or not yet", () => {
    expect(limitState(ON, NOW).label).toBe("In force");
    expect(limitState({ ...ON, isShadow: true }, NOW).label).toBe("Shadow");
    expect(limitState({ ...ON, isActive: false }, NOW).label).toBe("Inactive");
    expect(limitState({ ...ON, effectiveUntil: "2026-11-21T12:00:00Z" }, NOW).label).toBe("Over");
    expect(limitState({ ...ON, effectiveFrom: "2026-11-21T12:00:01Z" }, NOW).label).toBe("Not yet");
  });

  it("takes no comfort from a drill of another version", () => {
    expect(drillState({ lastDrillOutcome: "FIRED", lastDrillVersion: 2, version: 2 })).toEqual({ tone: "ok", label: "Fired" });
    expect(drillState({ lastDrillOutcome: "FIRED", lastDrillVersion: 1, version: 2 }).label).toBe("Before its change");
    expect(drillState({ lastDrillOutcome: "SILENT", lastDrillVersion: 2, version: 2 }).tone).toBe("critical");
    expect(drillState({ lastDrillOutcome: null, lastDrillVersion: null, version: 2 }).label).toBe("Never");
  });
});
