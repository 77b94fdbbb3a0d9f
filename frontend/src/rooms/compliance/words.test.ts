import { describe, expect, it } from "vitest";

import { bpsInWords, dayBefore, entryState, rateInWords, secondsInWords, spanOf, told } from "./words";

const NOW = new Date("2026-11-21T12:00:00Z");

describe("an entry of a restricted list", () => {
  it("holds from its first instant up to its last", () => {
    expect(entryState({ validFrom: null, validUntil: null }, NOW).label).toBe("Holds");
    expect(entryState({ validFrom: "2026-11-21T12:00:00Z", validUntil: null }, NOW).label).toBe("Holds");
    expect(entryState({ validFrom: "2026-11-21T12:00:01Z", validUntil: null }, NOW).label).toBe("Not yet");
    expect(entryState({ validFrom: null, validUntil: "2026-11-21T12:00:00Z" }, NOW).label).toBe("Over");
  });
});

describe("figures of execution", () => {
  it("are exact, and a dash where nothing was measured", () => {
    expect(rateInWords("0.9855")).toBe("98.6 %");
    expect(bpsInWords("1.234")).toBe("+1.23");
    expect(bpsInWords("-0.5")).toBe("−0.50");
    expect(bpsInWords(null)).toBe("–");
  });

  it("have times as long as they are told", () => {
    expect(secondsInWords(null)).toBe("–");
    expect(secondsInWords(0.84)).toBe("0.8 s");
    expect(secondsInWords(42.4)).toBe("42 s");
    expect(secondsInWords(600)).toBe("10 min");
    expect(secondsInWords(10_800)).toBe("3 h");
  });
});

describe("a span of days", () => {
  it("has its last day whole", () => {
    const { after, before } = spanOf("2026-11-20", "2026-11-21");

    expect(new Date(before).getTime() - new Date(after).getTime()).toBe(48 * 3_600_000);
  });

  it("counts days back by the calendar", () => {
    expect(dayBefore(1, new Date(2026, 2, 1, 12))).toBe("2026-02-28");
  });
});

describe("a text of a record", () => {
  it("is found however deep, and blank where there is none", () => {
    expect(told({ order: { symbol: "AAPL" } }, "order", "symbol")).toBe("AAPL");
    expect(told({ order: null }, "order", "symbol")).toBe("");
  });
});
