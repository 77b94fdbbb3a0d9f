import { expect, it } from "vitest";

import { formatAge, formatEnum, formatTime } from "./time";

it("shows the clock today and the day before that", () => {
  const now = new Date(2026, 10, 21, 15, 0, 0);

  expect(formatTime(new Date(2026, 10, 21, 14, 3, 9).toISOString(), now)).toBe("14:03:09");
  expect(formatTime(new Date(2026, 10, 17, 14, 3, 9).toISOString(), now)).toBe("17 Nov 14:03");
});

it("shortens an age and never shows a negative one", () => {
  expect([-5, 12_400, 61_000, 7_300_000].map(formatAge)).toEqual(["0 s", "12 s", "1 min", "2 h"]);
});

it("spells an enumeration in words", () => {
  expect(formatEnum("PARTIALLY_FILLED")).toBe("Partially filled");
});
