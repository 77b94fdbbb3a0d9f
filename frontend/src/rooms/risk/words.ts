/** Limits as people say them: their names, units and amounts, their conditions, and what drills found. */
import { formatDecimal, multiply, plain } from "../../shared/format/decimal";
import { formatEnum } from "../../shared/format/time";
import type { Tone } from "../../shared/table/Status";
import type { Limit, LimitType } from "./documents";

type Unit = "units" | "money" | "count" | "percent" | "ratio" | "seconds" | "none";

interface Kind {
  label: string;
  unit: Unit;
  /** What it asks of an order, with the value where it stands. */
  asks: string;
}

export const KINDS: Record<LimitType, Kind> = {
  MAX_ORDER_QUANTITY: { label: "Order quantity", unit: "units", asks: "An order is for at most so many units." },
  MAX_ORDER_NOTIONAL: { label: "Order notional", unit: "money", asks: "An order is worth at most so much." },
  MAX_POSITION_QUANTITY: { label: "Position quantity", unit: "units", asks: "A position, if all its open orders fill, has at most so many units." },
  MAX_POSITION_NOTIONAL: { label: "Position notional", unit: "money", asks: "A position, if all its open orders fill, is worth at most so much." },
  MAX_OPEN_ORDERS: { label: "Open orders", unit: "count", asks: "At most so many orders are open at once." },
  MAX_DAILY_LOSS: { label: "Loss of the day", unit: "money", asks: "The loss of the day is at most so much." },
  MAX_DRAWDOWN: { label: "Drawdown", unit: "percent", asks: "The equity is at most so far below its peak: in percent, or in money with a currency." },
  MAX_LEVERAGE: { label: "Leverage", unit: "ratio", asks: "All positions together are at most so many times the equity." },
  MIN_MARGIN_EXCESS: { label: "Least margin excess", unit: "money", asks: "At least so much excess liquidity is left." },
  SYMBOL_WHITELIST: { label: "Symbols allowed", unit: "none", asks: "Only these symbols may be traded." },
  SYMBOL_BLACKLIST: { label: "Symbols barred", unit: "none", asks: "These symbols may not be traded." },
  TRADING_HOURS: { label: "Trading hours", unit: "none", asks: "Orders only while a session of the exchange is on." },
  MAX_ORDERS_PER_MINUTE: { label: "Orders per minute", unit: "count", asks: "At most so many orders are placed in a minute." },
  PRICE_COLLAR: { label: "Price collar", unit: "percent", asks: "A limit price is at most so far worse than the quote." },
  MAX_CONCENTRATION: { label: "Concentration", unit: "percent", asks: "A position is at most such a part of the equity." },
  DUPLICATE_ORDER: { label: "Duplicate order", unit: "seconds", asks: "No order of the same terms within so many seconds." },
  WASH_TRADE: { label: "Wash trade", unit: "none", asks: "No order that could deal with another one of the firm." },
  COOLDOWN: { label: "Cooldown", unit: "seconds", asks: "So many seconds pass after a loss." },
  CANCEL_RATE: { label: "Cancel rate", unit: "percent", asks: "At most such a part of the orders is canceled." },
  ORDER_TO_TRADE_RATIO: { label: "Orders per trade", unit: "ratio", asks: "At most so many orders and changes for each execution." },
};

export const LIMIT_TYPES = Object.keys(KINDS) as LimitType[];

/** What a value of this type is, as the label of its field; null where it has none. */
export function valueLabel(type: LimitType): string | null {
  const labels: Record<Unit, string | null> = {
    units: "Units",
    money: "Amount",
    count: "How many",
    percent: "Percent",
    ratio: "Times",
    seconds: "Seconds",
    none: null,
  };
  return labels[KINDS[type].unit];
}

export function takesCurrency(type: LimitType): boolean {
  return KINDS[type].unit === "money" || type === "MAX_DRAWDOWN";
}

/** 250,000 USD, 25 %, 3×, 60 s; a dash where the type has no value. */
export function amountInWords(type: LimitType, value: string | null, currency: string | null): string {
  if (value === null) return "–";
  const told = formatDecimal(value);
  switch (KINDS[type].unit) {
    case "money":
      return currency === null ? told : `${told} ${currency}`;
    case "percent":
      return type === "MAX_DRAWDOWN" && currency !== null ? `${told} ${currency}` : `${told} %`;
    case "ratio":
      return `${told}×`;
    case "seconds":
      return `${told} s`;
    default:
      return told;
  }
}

/** A part such as 0.8 as percent: 80; blank where there is none. */
export function percentOf(part: string | null): string {
  return part === null ? "" : plain(multiply(part, "100"));
}

/** The conditions as `key value` pairs; blank where there are none. */
export function conditionsInWords(conditions: unknown): string {
  if (typeof conditions !== "object" || conditions === null) return "";
  return Object.entries(conditions)
    .map(([key, value]) => `${keyInWords(key)} ${valueInWords(value)}`)
    .join("; ");
}

function keyInWords(key: string): string {
  return formatEnum(key.replaceAll(/(?<=[a-z])(?=[A-Z])/g, "_")).toLowerCase();
}

function valueInWords(value: unknown): string {
  if (Array.isArray(value)) return value.map(valueInWords).join(", ");
  if (typeof value === "object" && value !== null) {
    return Object.entries(value)
      .map(([key, each]) => `${keyInWords(key)} ${valueInWords(each)}`)
      .join(" ");
  }
  return typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
}

type Shown = Pick<Limit, "isActive" | "isShadow" | "effectiveFrom" | "effectiveUntil">;

/** Whether a limit refuses orders at this moment. */
export function limitState(limit: Shown, now: Date = new Date()): { tone: Tone; label: string } {
  if (!limit.isActive) return { tone: "ended", label: "Off" };
  if (limit.effectiveUntil !== null && new Date(limit.effectiveUntil) <= now) return { tone: "ended", label: "Over" };
  if (limit.effectiveFrom !== null && new Date(limit.effectiveFrom) > now) return { tone: "pending", label: "Not yet" };
  return limit.isShadow ? { tone: "working", label: "Shadow" } : { tone: "ok", label: "In force" };
}

type Drilled = Pick<Limit, "lastDrillOutcome" | "lastDrillVersion" | "version">;

/** What the last drill found; a limit that changed since is as if it had none. */
export function drillState(limit: Drilled): { tone: Tone; label: string } {
  if (limit.lastDrillOutcome === null) return { tone: "pending", label: "Never" };
  if (limit.lastDrillVersion !== limit.version) return { tone: "pending", label: "Before its change" };
  const told: Record<NonNullable<Limit["lastDrillOutcome"]>, { tone: Tone; label: string }> = {
    FIRED: { tone: "ok", label: "Fired" },
    ALREADY_BREACHED: { tone: "warn", label: "Breached already" },
    FAILS_CLOSED: { tone: "warn", label: "Refuses all" },
    SILENT: { tone: "critical", label: "Silent" },
    NOT_DRILLED: { tone: "pending", label: "Nothing to drill" },
  };
  return told[limit.lastDrillOutcome];
}
