import { describe, expect, it } from "vitest";

import { bpsInWords, dayBefore, entryState, lastInstant, progressOf, rateInWords, secondsInWords, sizeInWords, spanOf, told } from "./words";

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

describe("a file of records", () => {
  it("tells how far it is, how many it has, or why it failed", () => {
    const one = { ordersTotal: 5000, ordersWritten: 1200, errorMessage: null };
    expect(progressOf({ ...one, state: "QUEUED", ordersTotal: null })).toBeNull();
    expect(progressOf({ ...one, state: "RUNNING" })).toBe("1,200 of 5,000 orders");
    expect(progressOf({ ...one, state: "DONE", ordersWritten: 5000 })).toBe("5,000 orders");
    expect(progressOf({ ...one, state: "DONE", ordersWritten: 1 })).toBe("1 order");
    expect(progressOf({ ...one, state: "FAILED", errorMessage: "too large" })).toBe("too large");
  });

  it("has its length in words", () => {
    expect(["0", "999", "1000", "1234567", "34567890", "999999", "5000000000"].map(sizeInWords)).toEqual([
      "0 B", "999 B", "1.0 kB", "1.2 MB", "35 MB", "1.0 MB", "5.0 GB",
    ]);
  });

  it("ends on its last day, not on the one behind", () => {
    expect(lastInstant("2026-04-01T00:00:00.000Z")).toBe("2026-03-31T23:59:59.999Z");
  });
});
