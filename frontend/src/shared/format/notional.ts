/** Worth of an order as a person would work it out: quantity times price times multiplier, exactly. */
import { multiply } from "./decimal";

export interface Valued {
  side: string;
  quantity: string;
  limitPrice: string | null;
  stopPrice: string | null;
  instrument: { multiplier: string; quote: { bid: string | null; ask: string | null; last: string | null } | null };
}

/** Null where no price is known. By the limit, else the stop, else the quote of the side. */
export function notionalOf(order: Valued): string | null {
  const { quote, multiplier } = order.instrument;
  const ofSide = order.side === "BUY" ? quote?.ask : quote?.bid;
  const price = order.limitPrice ?? order.stopPrice ?? ofSide ?? quote?.last ?? null;
  return price === null ? null : multiply(multiply(order.quantity, price), multiplier);
}
