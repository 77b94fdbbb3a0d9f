import { describe, expect, it } from "vitest";

import { levelOf, ratioInWords } from "./levels";

const row = (ratio: number, more: object = {}) => ({
  ratio,
  isBreached: ratio > 1,
  isMeasured: true,
  limit: { warnAt: null, isShadow: false },
  ...more,
});

describe("how full a limit is", () => {
  it("is within, nearly full, or breached", () => {
    expect(levelOf(row(0.5))).toEqual({ tone: "ok", label: "Within", filled: 50 });
    expect(levelOf(row(0.8)).tone).toBe("warn");
    expect(levelOf(row(1.7))).toEqual({ tone: "critical", label: "Breached", filled: 100 });
  });

  it("warns at the limit's own part of its value", () => {
    expect(levelOf(row(0.6, { limit: { warnAt: "0.5", isShadow: false } })).tone).toBe("warn");
    expect(levelOf(row(0.9, { limit: { warnAt: "1", isShadow: false } })).tone).toBe("ok");
  });

  it("is not told where it is not known", () => {
    expect(levelOf(row(0, { isMeasured: false }))).toEqual({ tone: "pending", label: "Not measured", filled: 0 });
  });

  it("is told in percent, without false exactness beyond", () => {
    expect(ratioInWords(0.806)).toBe("81 %");
    expect(ratioInWords(12.5)).toBe("1,250 %");
    expect(ratioInWords(1000)).toBe("> 100,000 %");
  });
});
