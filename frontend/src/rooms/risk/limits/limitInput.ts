/** From the form of a limit to what the API takes. */
import { textOf, textOrNull } from "../../../shared/controls/Form";
import { multiply, plain } from "../../../shared/format/decimal";
import type { VariablesOf } from "../../../shared/graphql/document";
import { LIMIT_TYPES, takesCurrency, valueLabel } from "../words";
import type { Limit, LimitType, SET_LIMIT } from "../documents";
import type { Conditions } from "./conditions";

export type LimitInput = VariablesOf<typeof SET_LIMIT>["input"];

/** A blank or other text than a type means the first. */
export function typeOf(text: string): LimitType {
  return LIMIT_TYPES.find((type) => type === text) ?? "MAX_ORDER_QUANTITY";
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

/** "80" percent as the part "0.8"; null where it is blank, undefined where it is no number. */
export function partOf(percent: string): string | null | undefined {
  if (percent === "") return null;
  try {
    return plain(multiply(percent, "0.01"));
  } catch {
    return undefined;
  }
}

/** What the limit is to be, whole. A limit that exists keeps its type and what it covers. */
export function readLimit(
  form: FormData,
  conditions: Conditions,
  limit: Limit | null,
  instrumentId: string | null,
): { input: LimitInput } | { field: string; problem: string } {
  const type = limit?.limitType ?? typeOf(textOf(form, "limitType"));
  const warnAt = partOf(textOf(form, "warnAt"));
  if (warnAt === undefined) return { field: "warnAt", problem: "A number of percent, such as 80." };
  return {
    input: {
      ...(limit ? { id: limit.id, expectedVersion: limit.version } : {}),
      limitType: type,
      value: valueLabel(type) === null ? null : textOrNull(form, "value"),
      currency: takesCurrency(type) ? textOf(form, "currency").toUpperCase() || null : null,
      conditions: { ...conditions },
      accountId: limit ? limit.accountId : textOrNull(form, "accountId"),
      instrumentId: limit ? limit.instrumentId : instrumentId,
      isActive: form.get("isActive") !== null,
      isShadow: form.get("isShadow") !== null,
      warnAt,
      effectiveFrom: kept(textOf(form, "effectiveFrom"), limit?.effectiveFrom ?? null),
      effectiveUntil: kept(textOf(form, "effectiveUntil"), limit?.effectiveUntil ?? null),
      reason: textOrNull(form, "reason"),
    },
  };
}

/** The instant of a field; one that nobody touched keeps its seconds, which the field does not show. */
function kept(text: string, before: string | null): string | null {
  return before !== null && text === localOf(before) ? before : instantOf(text);
}
