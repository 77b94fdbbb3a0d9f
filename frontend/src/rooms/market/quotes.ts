/** Quotes in a table: what the instruments query brought, moved on by ticks. */
import { compare, percent, subtract } from "../../shared/format/decimal";
import type { MarketInstrument, Tick } from "./documents";

type Quote = NonNullable<MarketInstrument["quote"]>;

export interface QuoteRow extends Omit<Quote, "time" | "isStale" | "line"> {
  id: string;
  symbol: string;
  name: string;
  exchange: string;
  currency: string;
  instrumentType: MarketInstrument["instrumentType"];
  tickSize: string;
  time: string | null;
  line: Quote["line"] | null;
  /** Where the last price went a moment ago; 0 when it has stood since. */
  move: -1 | 0 | 1;
}

export function fromInstrument(instrument: MarketInstrument): QuoteRow {
  const { quote, id, symbol, name, exchange, currency, instrumentType, tickSize } = instrument;
  return {
    id,
    symbol,
    name,
    exchange,
    currency,
    instrumentType,
    tickSize,
    bid: quote?.bid ?? null,
    bidSize: quote?.bidSize ?? null,
    ask: quote?.ask ?? null,
    askSize: quote?.askSize ?? null,
    last: quote?.last ?? null,
    lastSize: quote?.lastSize ?? null,
    volume: quote?.volume ?? null,
    high: quote?.high ?? null,
    low: quote?.low ?? null,
    previousClose: quote?.previousClose ?? null,
    time: quote?.time ?? null,
    line: quote?.line ?? null,
    move: 0,
  };
}

/** A tick names only what changed: what it leaves out stays. */
export function withTick(row: QuoteRow, tick: Tick): QuoteRow {
  const last = tick.last ?? row.last;
  return {
    ...row,
    bid: tick.bid ?? row.bid,
    bidSize: tick.bidSize ?? row.bidSize,
    ask: tick.ask ?? row.ask,
    askSize: tick.askSize ?? row.askSize,
    last,
    lastSize: tick.lastSize ?? row.lastSize,
    volume: tick.volume ?? row.volume,
    high: last !== null && row.high !== null && compare(last, row.high) > 0 ? last : row.high,
    low: last !== null && row.low !== null && compare(last, row.low) < 0 ? last : row.low,
    time: tick.time,
    move: (last !== null && row.last !== null && compare(last, row.last)) || row.move,
  };
}

export function isOlderQuote(next: QuoteRow, held: QuoteRow): boolean {
  if (held.time === null) return false;
  return next.time === null || Date.parse(next.time) < Date.parse(held.time);
}

/** Since the close before, in per cent; null where one of both is not known. */
export function changeOf(row: QuoteRow): string | null {
  if (row.last === null || row.previousClose === null) return null;
  return percent(subtract(row.last, row.previousClose), row.previousClose);
}
