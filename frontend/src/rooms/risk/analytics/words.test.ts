import { describe, expect, it } from "vitest";

import type { Basis } from "./documents";
import { basisWarnings, gapInWords, shareInWords, shockOf, strengthOf } from "./words";

const BASIS = { unvalued: [], arePricesStale: false, areRatesStale: false, leftOutAccounts: [] } as unknown as Basis;

describe("the figures of what is held", () => {
  it("tell what they leave out", () => {
    const basis = {
      ...BASIS,
      arePricesStale: true,
      unvalued: [{ quantity: "1", gap: "NO_RATE", instrument: { symbol: "SAP" } }],
      leftOutAccounts: [{ id: "1", accountNumber: "DU1" }],
    } as Basis;

    expect(basisWarnings(BASIS)).toEqual([]);
    expect(basisWarnings(basis)).toEqual(["In no sum: SAP (no exchange rate).", "A price is older than five minutes.", "Not counted, being of another mode: DU1."]);
  });

  it("tell shares in percent, and none where there is none", () => {
    expect(shareInWords("0.3217")).toBe("32.2 %");
    expect(shareInWords(null)).toBe("–");
  });

  it("name a gap that they know, and one that they do not", () => {
    expect(gapInWords("TOO_SHORT")).toBe("a history that is too short");
    expect(gapInWords("SOMETHING_NEW")).toBe("something new");
  });
});

describe("a shock that is typed", () => {
  it("is percent, exactly", () => {
    expect(shockOf("-20")).toBe("-0.20");
    expect(shockOf("−12.5")).toBe("-0.125");
    expect(shockOf("lots")).toBeNull();
  });
});

describe("a cell of the matrix", () => {
  it("is drawn by its side and strength, and not at all without a value", () => {
    expect(strengthOf("1.00")).toEqual({ side: "gain", percent: 45 });
    expect(strengthOf("-0.5")).toEqual({ side: "loss", percent: 23 });
    expect(strengthOf(null)).toEqual({ side: "gain", percent: 0 });
  });
});
