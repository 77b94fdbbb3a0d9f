/** The terms of an order in words. */
import { formatDecimal } from "./decimal";

export interface Terms {
  orderType: string;
  limitPrice: string | null;
  stopPrice: string | null;
  trailingAmount?: string | null;
}

/** limit 187.5, stop 140, stop 186 limit 187.5, trailing stop 2.5, market. */
export function termsInWords({ orderType, limitPrice, stopPrice, trailingAmount }: Terms): string {
  const parts = [
    trailingAmount ? `trailing stop ${formatDecimal(trailingAmount)}` : stopPrice && `stop ${formatDecimal(stopPrice)}`,
    limitPrice && `limit ${formatDecimal(limitPrice)}`,
  ].filter(Boolean);
  return parts.length === 0 ? orderType.replaceAll("_", " ").toLowerCase() : parts.join(" ");
}
