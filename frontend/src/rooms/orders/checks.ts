/** What the checks of an order were found from, in words. */
import { formatDecimal, formatPrice } from "../../shared/format/decimal";
import { formatEnum } from "../../shared/format/time";

export type Input = readonly [name: string, value: string];

const PRICE = /(Price|Amount)$/;
const DECIMAL = /^-?\d+(\.\d+)?$/;

/** The facts of a check as names and values, those within others by both names; without what is not there. */
export function inputsOf(inputs: unknown, within = ""): Input[] {
  if (typeof inputs !== "object" || inputs === null) return [];
  return Object.entries(inputs).flatMap(([key, value]): Input[] => {
    const name = `${within}${nameOf(key)}`;
    if (value === null || value === undefined) return [];
    if (Array.isArray(value)) return [[name, value.map(textOf).join(", ")]];
    return typeof value === "object" ? inputsOf(value, `${name}, `) : [[name, textOf(value)]];
  });
}

function nameOf(key: string): string {
  return formatEnum(key.replaceAll(/(?<=[a-z])(?=[A-Z])/g, "_")).toLowerCase();
}

function textOf(value: unknown): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return Number.isSafeInteger(value) ? formatDecimal(String(value)) : String(value);
  if (typeof value !== "string") return JSON.stringify(value);
  return DECIMAL.test(value) ? formatDecimal(value) : value;
}

/** quantity 1,000, limit price 200.00: what a request asked for, prices as fine as the tick. */
export function changeInWords(terms: unknown, tickSize: string): string {
  if (typeof terms !== "object" || terms === null) return "other terms";
  return Object.entries(terms)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => `${nameOf(key)} ${PRICE.test(key) && typeof value === "string" && DECIMAL.test(value) ? formatPrice(value, tickSize) : textOf(value)}`)
    .join(", ");
}

const ORDER = { FAILED: 0, PASSED: 1, SKIPPED: 2 } as const;

/** What refused stands first; shadows, which refuse nothing, last. */
export function inOrder<Check extends { outcome: keyof typeof ORDER; isShadow: boolean }>(checks: readonly Check[]): Check[] {
  return checks.toSorted((left, right) => Number(left.isShadow) - Number(right.isShadow) || ORDER[left.outcome] - ORDER[right.outcome]);
}

/** 840 µs, 1.2 ms: how long the checks took. */
export function microsInWords(micros: number): string {
  return micros < 1_000 ? `${micros} µs` : `${(micros / 1_000).toFixed(1)} ms`;
}
