/** Exact decimals on strings: prices, quantities and money never become a Number. */

const PATTERN = /^([+-]?)(\d+)(?:\.(\d+))?$/;

interface Exact {
  units: bigint;
  scale: number;
}

function parse(value: string): Exact {
  const match = PATTERN.exec(value.trim());
  if (!match) throw new RangeError(`not a decimal: ${value}`);
  const [, sign, whole = "0", fraction = ""] = match;
  const units = BigInt(whole + fraction);
  return { units: sign === "-" ? -units : units, scale: fraction.length };
}

function align(left: Exact, right: Exact): [bigint, bigint, number] {
  const scale = Math.max(left.scale, right.scale);
  return [
    left.units * 10n ** BigInt(scale - left.scale),
    right.units * 10n ** BigInt(scale - right.scale),
    scale,
  ];
}

function print({ units, scale }: Exact): string {
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale);
  const fraction = scale === 0 ? "" : `.${digits.slice(digits.length - scale)}`;
  return `${units < 0n ? "-" : ""}${whole}${fraction}`;
}

/** Divides and rounds half to even. */
function divide(numerator: bigint, denominator: bigint): bigint {
  const isNegative = numerator < 0n !== denominator < 0n;
  const top = numerator < 0n ? -numerator : numerator;
  const bottom = denominator < 0n ? -denominator : denominator;
  const quotient = top / bottom;
  const twice = (top % bottom) * 2n;
  const up = twice > bottom || (twice === bottom && quotient % 2n === 1n);
  const rounded = up ? quotient + 1n : quotient;
  return isNegative ? -rounded : rounded;
}

/** -1, 0 or 1 as left is below, equal to or above right. */
export function compare(left: string, right: string): -1 | 0 | 1 {
  const [a, b] = align(parse(left), parse(right));
  return a < b ? -1 : a > b ? 1 : 0;
}

export function subtract(left: string, right: string): string {
  const [a, b, scale] = align(parse(left), parse(right));
  return print({ units: a - b, scale });
}

export function add(left: string, right: string): string {
  const [a, b, scale] = align(parse(left), parse(right));
  return print({ units: a + b, scale });
}

export function multiply(left: string, right: string): string {
  const [a, b] = [parse(left), parse(right)];
  return print({ units: a.units * b.units, scale: a.scale + b.scale });
}

export function signOf(value: string): -1 | 0 | 1 {
  const { units } = parse(value);
  return units < 0n ? -1 : units > 0n ? 1 : 0;
}

/** part / whole in per cent with two decimals, or null when whole is zero. */
export function percent(part: string, whole: string): string | null {
  const [a, b] = align(parse(part), parse(whole));
  return b === 0n ? null : print({ units: divide(a * 10_000n, b), scale: 2 });
}

/** Rounded half to even to that many decimals. */
export function round(value: string, decimals: number): string {
  const exact = parse(value);
  if (exact.scale <= decimals) {
    return print({ units: exact.units * 10n ** BigInt(decimals - exact.scale), scale: decimals });
  }
  return print({ units: divide(exact.units, 10n ** BigInt(exact.scale - decimals)), scale: decimals });
}

/** How many decimals a price with this tick size has: "0.010" has two. */
export function decimalsOf(tickSize: string): number {
  const fraction = tickSize.split(".")[1] ?? "";
  return fraction.replace(/0+$/, "").length;
}

export interface FormatOptions {
  /** Fixed number of decimals; without it the value's own, trailing zeros removed. */
  decimals?: number;
  /** Puts a plus before what is above zero. */
  signed?: boolean;
}

/** For people: thousands separated, a true minus, no exponent. */
export function formatDecimal(value: string, options: FormatOptions = {}): string {
  const shown = options.decimals === undefined ? trim(value) : round(value, options.decimals);
  const isNegative = shown.startsWith("-");
  const [whole = "0", fraction] = (isNegative ? shown.slice(1) : shown).split(".");
  const body = whole.replace(/\B(?=(\d{3})+$)/g, ",") + (fraction ? `.${fraction}` : "");
  const sign = signOf(shown);
  if (sign < 0) return `−${body}`;
  return options.signed && sign > 0 ? `+${body}` : body;
}

/** A price with the decimals of its tick, and more where it has more: it is never rounded. */
export function formatPrice(value: string, tickSize: string): string {
  return formatDecimal(value, { decimals: Math.max(decimalsOf(tickSize), decimalsOf(value)) });
}

/** The value without zeros that say nothing, as a person would type it: 10.00 as 10. */
export function plain(value: string): string {
  return value === "" ? "" : trim(value);
}

function trim(value: string): string {
  const exact = print(parse(value));
  return exact.includes(".") ? exact.replace(/\.?0+$/, "") : exact;
}
