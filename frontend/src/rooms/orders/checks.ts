/** What the checks of an order were found from, in words. */
import { formatDecimal } from "../../shared/format/decimal";
import { formatEnum } from "../../shared/format/time";

export type Input = readonly [name: string, value: string];

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
  if (typeof value === "number") return String(value);
  if (typeof value !== "string") return JSON.stringify(value);
  return DECIMAL.test(value) ? formatDecimal(value) : value;
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
