/** The quote list: what the instruments query brought, moved on by ticks. */
import { compare } from "../../shared/format/decimal";
import type { InstrumentWithQuote, Tick } from "./documents";

export interface QuoteRow {
  instrumentId: string;
  symbol: string;
  currency: string;
  tickSize: string;
  bid: string | null;
  ask: string | null;
  last: string | null;
  previousClose: string | null;
  time: string | null;
  /** Where the last price went with the newest tick; 0 when it stayed. */
  move: -1 | 0 | 1;
}

export function fromInstrument(instrument: InstrumentWithQuote): QuoteRow {
  const { quote } = instrument;
  return {
    instrumentId: instrument.id,
    symbol: instrument.symbol,
    currency: instrument.currency,
    tickSize: instrument.tickSize,
    bid: quote?.bid ?? null,
    ask: quote?.ask ?? null,
    last: quote?.last ?? null,
    previousClose: quote?.previousClose ?? null,
    time: quote?.time ?? null,
    move: 0,
  };
}

/** A tick names only what changed: what it leaves out stays. */
export function withTick(row: QuoteRow, tick: Tick): QuoteRow {
  const last = tick.last ?? row.last;
  return {
    ...row,
    bid: tick.bid ?? row.bid,
    ask: tick.ask ?? row.ask,
    last,
    time: tick.time,
    move: last !== null && row.last !== null ? compare(last, row.last) : 0,
  };
}

export function isOlderQuote(next: QuoteRow, held: QuoteRow): boolean {
  if (held.time === null) return false;
  return next.time === null || Date.parse(next.time) < Date.parse(held.time);
}
