/** From the form of a limit to what the API takes. */
import { textOf, textOrNull } from "../../../shared/controls/Form";
import type { VariablesOf } from "../../../shared/graphql/document";
import { LIMIT_TYPES, takesCurrency, valueLabel } from "../words";
import type { Limit, LimitType, SET_LIMIT } from "../documents";

export type LimitInput = VariablesOf<typeof SET_LIMIT>["input"];

/** A blank or other text than a type means the first. */
export function typeOf(text: string): LimitType {
  return LIMIT_TYPES.find((type) => type === text) ?? "MAX_ORDER_QUANTITY";
}

/** "aapl, msft" as AAPL and MSFT. */
export function symbolsOf(text: string): string[] {
  return [...new Set(text.toUpperCase().split(/[\s,;]+/).filter((symbol) => symbol !== ""))];
}

/** A document of conditions; blank is an empty one. */
export function readConditions(text: string): { conditions: Record<string, unknown> } | { problem: string } {
  if (text.trim() === "") return { conditions: {} };
  try {
    const read: unknown = JSON.parse(text);
    if (typeof read === "object" && read !== null && !Array.isArray(read)) return { conditions: read as Record<string, unknown> };
  } catch {
    // Told below, as for what is JSON and no object.
  }
  return { problem: 'Conditions are a JSON object, such as {"sides": ["BUY"]}.' };
}

/** Local date and time of a form as an instant; null where it is blank. */
export function instantOf(text: string): string | null {
  return text === "" ? null : new Date(text).toISOString();
}

/** An instant as a form shows it, in the person's own time zone. */
export function localOf(instant: string | null): string {
  if (instant === null) return "";
  const at = new Date(instant);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** What the limit is to be, whole. A limit that exists keeps its type and what it covers. */
export function readLimit(form: FormData, limit: Limit | null, instrumentId: string | null): { input: LimitInput } | { problem: string } {
  const type = limit?.limitType ?? typeOf(textOf(form, "limitType"));
  const told = readConditions(textOf(form, "conditions"));
  if ("problem" in told) return told;
  const symbols = symbolsOf(textOf(form, "symbols"));
  const conditions = symbols.length > 0 ? { ...told.conditions, symbols } : told.conditions;
  const currency = takesCurrency(type) ? textOf(form, "currency").toUpperCase() || null : null;
  return {
    input: {
      ...(limit ? { id: limit.id, expectedVersion: limit.version } : {}),
      limitType: type,
      value: valueLabel(type) === null ? null : textOrNull(form, "value"),
      currency,
      conditions,
      accountId: limit ? limit.accountId : textOrNull(form, "accountId"),
      instrumentId: limit ? limit.instrumentId : instrumentId,
      isActive: form.get("isActive") !== null,
      isShadow: form.get("isShadow") !== null,
      warnAt: textOrNull(form, "warnAt"),
      effectiveFrom: instantOf(textOf(form, "effectiveFrom")),
      effectiveUntil: instantOf(textOf(form, "effectiveUntil")),
      reason: textOrNull(form, "reason"),
    },
  };
}
