/** What is typed into a ticket, and the order that it means. */
import type { VariablesOf } from "../../shared/graphql/document";
import { formatPrice, signOf } from "../../shared/format/decimal";
import type { PLACE_ORDER } from "./documents";
import { parseDecimal, parseQuantity } from "./quantity";

export type OrderInput = VariablesOf<typeof PLACE_ORDER>["input"];
export type Side = OrderInput["side"];
export type OrderType = OrderInput["orderType"];
export type TimeInForce = NonNullable<OrderInput["timeInForce"]>;

export interface Draft {
  /** Made when the ticket opens and kept through retries: however often it is sent, it is one order. */
  clientOrderId: string;
  accountId: string;
  symbol: string;
  side: Side;
  orderType: OrderType;
  quantity: string;
  limitPrice: string;
  stopPrice: string;
  trailingAmount: string;
  timeInForce: TimeInForce;
  /** Local date and time, for GTD. */
  expiresAt: string;
  takeProfit: string;
  stopLoss: string;
  outsideRegularHours: boolean;
  postOnly: boolean;
  staged: boolean;
}

export const ORDER_TYPES: readonly (readonly [OrderType, string])[] = [
  ["LIMIT", "Limit"],
  ["MARKET", "Market"],
  ["STOP", "Stop"],
  ["STOP_LIMIT", "Stop limit"],
  ["TRAILING_STOP", "Trailing stop"],
];
export const VALIDITIES: readonly TimeInForce[] = ["DAY", "GTC", "IOC", "FOK", "GTD", "OPG"];
/** These are for market and limit orders alone. */
const QUICK: ReadonlySet<TimeInForce> = new Set(["IOC", "FOK", "OPG"]);

export function validities(type: OrderType): readonly TimeInForce[] {
  return type === "MARKET" || type === "LIMIT" ? VALIDITIES : VALIDITIES.filter((each) => !QUICK.has(each));
}

export const hasLimit = (type: OrderType): boolean => type === "LIMIT" || type === "STOP_LIMIT";
export const hasStop = (type: OrderType): boolean => type === "STOP" || type === "STOP_LIMIT";
export const hasTrail = (type: OrderType): boolean => type === "TRAILING_STOP";

export function newDraft(given: Partial<Draft>, clientOrderId: string): Draft {
  return {
    accountId: "",
    symbol: "",
    side: "BUY",
    orderType: "LIMIT",
    quantity: "",
    limitPrice: "",
    stopPrice: "",
    trailingAmount: "",
    timeInForce: "DAY",
    expiresAt: "",
    takeProfit: "",
    stopLoss: "",
    outsideRegularHours: false,
    postOnly: false,
    staged: false,
    ...given,
    clientOrderId,
  };
}

export type Problems = Partial<Record<keyof Draft, string>>;

/** The order that the draft means, or what is wrong with it, field by field. */
export function inputOf(draft: Draft, instrumentId: string | null): { input: OrderInput } | { problems: Problems } {
  const problems: Problems = {};
  const number = (field: keyof Draft, isWanted: boolean, isNeeded: boolean): string | null => {
    const text = String(draft[field]);
    if (!isWanted || (text.trim() === "" && !isNeeded)) return null;
    const value = field === "quantity" ? parseQuantity(text) : parseDecimal(text);
    if (value === null) problems[field] = text.trim() === "" ? "This is needed." : "This is no number.";
    else if (signOf(value) === 0) problems[field] = "This is above zero.";
    return value;
  };
  const quantity = number("quantity", true, true);
  const limitPrice = number("limitPrice", hasLimit(draft.orderType), true);
  const stopPrice = number("stopPrice", hasStop(draft.orderType), true);
  const trailingAmount = number("trailingAmount", hasTrail(draft.orderType), true);
  const takeProfit = number("takeProfit", true, false);
  const stopLoss = number("stopLoss", true, false);
  if (draft.accountId === "") problems.accountId = "Choose an account.";
  if (instrumentId === null) problems.symbol = draft.symbol.trim() === "" ? "This is needed." : "No such symbol.";
  let expiresAt: string | null = null;
  if (draft.timeInForce === "GTD") {
    const at = new Date(draft.expiresAt);
    if (Number.isNaN(at.getTime())) problems.expiresAt = "This is needed.";
    else expiresAt = at.toISOString();
  }
  if (Object.keys(problems).length > 0 || quantity === null || instrumentId === null) return { problems };
  return {
    input: {
      accountId: draft.accountId,
      instrumentId,
      side: draft.side,
      orderType: draft.orderType,
      quantity,
      timeInForce: draft.timeInForce,
      clientOrderId: draft.clientOrderId,
      ...(limitPrice === null ? {} : { limitPrice }),
      ...(stopPrice === null ? {} : { stopPrice }),
      ...(trailingAmount === null ? {} : { trailingAmount }),
      ...(expiresAt === null ? {} : { expiresAt }),
      ...(takeProfit === null ? {} : { takeProfit }),
      ...(stopLoss === null ? {} : { stopLoss }),
      ...(draft.outsideRegularHours ? { outsideRegularHours: true } : {}),
      ...(draft.postOnly && draft.orderType === "LIMIT" ? { postOnly: true } : {}),
      ...(draft.staged ? { staged: true } : {}),
    },
  };
}

/** stop limit 186.00 / 187.50, DAY: what is about to be sent, prices as fine as the tick. */
export function reviewInWords(input: OrderInput, tickSize: string): string {
  const type = ORDER_TYPES.find(([value]) => value === input.orderType)?.[1].toLowerCase() ?? "";
  const prices = [input.stopPrice, input.limitPrice, input.trailingAmount].flatMap((each) => (each ? [formatPrice(each, tickSize)] : []));
  return `${[type, prices.join(" / ")].filter((each) => each !== "").join(" ")}, ${input.timeInForce ?? "DAY"}`;
}
