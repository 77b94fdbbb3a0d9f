import { describe, expect, it } from "vitest";

import { atRiskLines, curveInWords, curveOf, dayAfter, gapOfDay, hasHistory, levelsOf, rangeOf, stoodInWords } from "./curves";
import type { AtRiskDay, UtilisationHistory } from "./documents";

function history(...points: [string, number | null][]): UtilisationHistory {
  return {
    start: "2026-03-02T09:00:00+00:00",
    resolutionMinutes: 5,
    points: points.map(([at, ratio]) => ({ at: `2026-03-02T${at}:00+00:00`, ratio, used: ratio === null ? null : "1", value: "10", isMeasured: ratio !== null })),
  };
}

function day(given: Partial<AtRiskDay>): AtRiskDay {
  const figure = { valueAtRisk: "100", expectedShortfall: "120", reason: null };
  return {
    day: "2026-03-02",
    currency: "USD",
    confidence: "0.99",
    isComplete: true,
    unvaluedPositions: 0,
    uncoveredPositions: 0,
    reason: null,
    gross: "1000",
    historical: figure,
    parametric: figure,
    nextDayPnl: null,
    isHistoricalException: null,
    ...given,
  };
}

describe("the curve of a limit", () => {
  it("has a gap where nothing is known or could be measured", () => {
    const points = curveOf(history(["09:05", 0.5], ["09:15", null], ["09:20", 1.2]));

    expect(points.map((point) => [point.at.slice(11, 16), point.value])).toEqual([
      ["09:00", null],
      ["09:05", "0.5"],
      ["09:10", null],
      ["09:15", null],
      ["09:20", "1.2"],
    ]);
  });

  it("is nothing where there is nothing", () => {
    expect(curveOf(history())).toEqual([]);
    expect(curveInWords(history(["09:00", null]))).toBeNull();
  });

  it("is told in words", () => {
    expect(curveInWords(history(["09:00", 0.5], ["09:05", 1.2], ["09:10", 0.9]))).toBe("Used from 50 % to 120 %, 90 % at the end");
    expect(curveInWords(history(["09:00", 0.5], ["09:05", null]))).toBe("Used from 50 % to 50 %, not measured at the end");
  });

  it("warns where the limit says, or at four fifths", () => {
    expect(levelsOf(null).map((level) => level.value)).toEqual([0.8, 1]);
    expect(levelsOf("0.9").map((level) => level.value)).toEqual([0.9, 1]);
  });

  it("is there for what is used while no order comes", () => {
    expect(hasHistory("MAX_DAILY_LOSS")).toBe(true);
    expect(hasHistory("MAX_ORDER_QUANTITY")).toBe(false);
  });

  it("ends at the server's own now", () => {
    expect(rangeOf(7, Date.parse("2026-03-08T12:00:00Z"))).toEqual({ start: "2026-03-01T12:00:00.000Z", end: "2026-03-09T12:00:00.000Z" });
  });
});

describe("value at risk over time", () => {
  it("stands below zero at the day that it was said of, beside what that day brought", () => {
    const [bars, historical] = atRiskLines([day({ nextDayPnl: "-130" }), day({ day: "2026-03-01", historical: { valueAtRisk: null, expectedShortfall: null, reason: "none" } })]);

    expect(bars?.points).toEqual([
      { at: "2026-03-03T00:00:00", value: "-130" },
      { at: "2026-03-02T00:00:00", value: null },
    ]);
    expect(historical?.points.map((point) => point.value)).toEqual(["-100", null]);
  });

  it("knows the day after", () => {
    expect([dayAfter("2026-02-28"), dayAfter("2028-02-28"), dayAfter("2026-12-31")]).toEqual(["2026-03-01", "2028-02-29", "2027-01-01"]);
  });

  it("tells how a figure stood its test", () => {
    expect(stoodInWords("Historical", { days: 250, exceptions: 3, expected: "2.5" })).toBe("Historical: more was lost on 3 of 250 days; 2.5 would be expected.");
    expect(stoodInWords("Historical", { days: 0, exceptions: 0, expected: "0" })).toBe("Historical: no day counts yet.");
  });

  it("hides nothing that is missing", () => {
    expect(gapOfDay(day({}))).toBeNull();
    expect(gapOfDay(day({ unvaluedPositions: 2, uncoveredPositions: 1 }))).toBe("In no figure: 2 without a price or a rate, 1 without a history");
    expect(gapOfDay(day({ reason: "There are more than 2000 positions" }))).toBe("There are more than 2000 positions");
    expect(gapOfDay(day({ isComplete: false }))).toBe("A rate counts as if it never moved");
  });
});
