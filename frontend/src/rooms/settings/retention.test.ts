import { describe, expect, it } from "vitest";

import { changeInWords, daysFrom, isShorter, KEEP_DAYS_MAX, KEEP_DAYS_MIN, ruleInWords, spanInWords } from "./retention";

const NOW = new Date("2026-11-21T12:00:00Z");

describe("how long records are kept", () => {
  it("is told in days and in years", () => {
    expect(spanInWords(2557)).toBe("2,557 days, about 7 years");
    expect(spanInWords(null)).toBe("For ever");
  });

  it("says which go in the coming night, and when those of today do", () => {
    expect(ruleInWords("alerts", 1827, NOW)).toBe(
      "The coming night deletes alerts from before 20 Nov 2021, and each night after it those of one day more: those of today go after 22 Nov 2031.",
    );
    expect(ruleInWords("entries", null, NOW)).toBe("No entries are ever deleted.");
  });

  it("warns of what a shorter rule lets go", () => {
    expect(changeInWords("alerts", 2557, 1827, NOW)).toBe("From 21 Nov 2019 on, all alerts from before 20 Nov 2021 go in the coming night, and do not come back.");
    expect(changeInWords("entries", null, 2557, NOW)).toBe("All entries from before 21 Nov 2019 go in the coming night, and do not come back.");
  });

  it("promises nothing of what is gone when the rule becomes longer", () => {
    expect(changeInWords("alerts", 1827, 2557, NOW)).toBe("What went until now, alerts from before 20 Nov 2021, does not come back.");
    expect(changeInWords("entries", null, null, NOW)).toBeNull();
  });

  it("is shorter when it lets go what was kept", () => {
    expect([isShorter(null, 1827), isShorter(2557, 2556), isShorter(2557, 2557), isShorter(2557, null)]).toEqual([true, true, false, false]);
  });

  it.each([["", null], ["1826", null], [String(KEEP_DAYS_MIN), KEEP_DAYS_MIN], [String(KEEP_DAYS_MAX), KEEP_DAYS_MAX], ["36526", null], ["1e9", null], ["-1", null], ["2000.5", null]])(
    "takes %j days as %j",
    (text, days) => {
      expect(daysFrom(text)).toBe(days);
    },
  );
});
