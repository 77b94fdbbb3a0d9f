/** Reasons and parts of the figures in words; what is null is told by its reason, never by a zero. */
import { formatDecimal, multiply } from "../../../shared/format/decimal";
import type { Basis } from "./documents";

export const GAPS: Readonly<Record<string, string>> = {
  NO_PRICE: "no price",
  NO_RATE: "no exchange rate",
  NO_HISTORY: "no history of its prices",
  TOO_SHORT: "a history that is too short",
  STALE: "no price of the last days",
  NO_UNDERLYING: "its underlying is not known",
  EXPIRED: "it has expired",
  NO_VOLATILITY: "its price implies no volatility",
};

export function gapInWords(gap: string): string {
  return GAPS[gap] ?? gap.toLowerCase().replaceAll("_", " ");
}

/** "0.3217" as 32.2 %. */
export function shareInWords(share: string | null): string {
  return share === null ? "–" : `${formatDecimal(multiply(share, "100"), { decimals: 1 })} %`;
}

/** What keeps the figures from being about everything, a sentence each. */
export function basisWarnings(basis: Basis): string[] {
  const told: string[] = [];
  if (basis.unvalued.length > 0) {
    const names = basis.unvalued.map((each) => `${each.instrument.symbol} (${gapInWords(each.gap)})`).join(", ");
    told.push(`In no sum: ${names}.`);
  }
  if (basis.arePricesStale) told.push("A price is older than five minutes.");
  if (basis.areRatesStale) told.push("An exchange rate is old.");
  if (basis.leftOutAccounts.length > 0) {
    told.push(`Not counted, being of another mode: ${basis.leftOutAccounts.map((each) => each.accountNumber).join(", ")}.`);
  }
  return told;
}

/** Percent of a form as the part of one that the API takes: "-20" as -0.2; null for what is no number. */
export function shockOf(percent: string): string | null {
  const text = percent.trim().replace("−", "-");
  return /^[+-]?\d+(\.\d+)?$/.test(text) ? multiply(text, "0.01") : null;
}

/** How strongly a cell of the matrix is drawn, 0 to 100, and to which side; Number() for the drawing alone. */
export function strengthOf(value: string | null): { side: "gain" | "loss"; percent: number } {
  const read = value === null ? 0 : Number(value);
  return { side: read < 0 ? "loss" : "gain", percent: Math.round(Math.min(1, Math.abs(read)) * 45) };
}
