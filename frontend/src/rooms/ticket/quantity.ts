/** Numbers as traders type them: 1k, 2.5m, 1,000; stepped by tick and lot. Exact, on strings. */
import { add, compare, decimalsOf, multiply, plain, round, signOf, subtract } from "../../shared/format/decimal";

const TYPED = /^\s*(\d{1,12}(?:,\d{3})*|\d{0,12})(?:\.(\d{0,12}))?\s*([kKmM]?)\s*$/;
const TIMES: Readonly<Record<string, string>> = { k: "1000", m: "1000000" };

/** A number above or equal to zero, with separators and a k or m behind it; null for anything else. */
export function parseQuantity(text: string): string | null {
  const match = TYPED.exec(text);
  if (!match) return null;
  const [, whole = "", fraction = "", unit = ""] = match;
  if (whole === "" && fraction === "") return null;
  const value = `${whole.replaceAll(",", "") || "0"}${fraction === "" ? "" : `.${fraction}`}`;
  return plain(unit === "" ? value : multiply(value, TIMES[unit.toLowerCase()] ?? "1"));
}

/** A price: as a quantity without units. */
export function parseDecimal(text: string): string | null {
  return /[kKmM]/.test(text) ? null : parseQuantity(text);
}

/** The next multiple of the step above or below, so many of them; never below the step itself. */
export function stepped(value: string, step: string, times: number): string {
  if (signOf(step) <= 0) return value;
  const decimals = decimalsOf(step);
  const size = multiply(step, `${Math.abs(times)}`);
  const moved = times < 0 ? subtract(value, size) : add(value, size);
  const least = compare(moved, step) < 0 ? step : moved;
  return round(least, Math.max(decimals, 0));
}
