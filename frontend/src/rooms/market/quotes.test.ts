import { describe, expect, it } from "vitest";

import type { Tick } from "./documents";
import { changeOf, fromInstrument, isOlderQuote, withTick, type QuoteRow } from "./quotes";

const QUOTE: QuoteRow = {
  id: "i1",
  symbol: "AAPL",
  name: "Apple",
  exchange: "SMART",
  currency: "USD",
  instrumentType: "STOCK",
  tickSize: "0.01",
  bid: "187.40",
  bidSize: "100",
  ask: "187.44",
  askSize: "200",
  last: "187.42",
  lastSize: "5",
  volume: "1000",
  high: "188.00",
  low: "187.41",
  previousClose: "190.00",
  time: "2026-11-21T14:00:00.000000Z",
  line: null,
  move: 0,
};

const TICK: Tick = {
  instrumentId: "i1",
  bid: null,
  bidSize: null,
  ask: "187.45",
  askSize: null,
  last: "187.4",
  lastSize: null,
  volume: null,
  time: "2026-11-21T14:00:01.000000Z",
};

describe("a quote", () => {
  it("keeps what a tick leaves out and knows where the last price went", () => {
    const next = withTick(QUOTE, TICK);

    expect([next.bid, next.ask, next.last, next.move]).toEqual(["187.40", "187.45", "187.4", -1]);
    expect([next.low, next.high]).toEqual(["187.4", "188.00"]);
  });

  it("keeps the way of its last move while the last price stands", () => {
    const moved = withTick(QUOTE, TICK);

    expect(withTick(moved, { ...TICK, last: null }).move).toBe(-1);
    expect(withTick(moved, { ...TICK, last: "187.5" }).move).toBe(1);
  });

  it("starts empty for an instrument that was never quoted", () => {
    const instrument = { id: "i2", symbol: "MSFT", name: "M", exchange: "SMART", currency: "USD", instrumentType: "STOCK" as const };
    const row = fromInstrument({ ...instrument, tickSize: "0.01", lotSize: "1", multiplier: "1", quote: null });

    expect([row.last, row.time, row.move, changeOf(row)]).toEqual([null, null, 0, null]);
  });

  it("is not replaced by an older one", () => {
    expect(isOlderQuote({ ...QUOTE, time: "2026-11-21T13:59:59.000000Z" }, QUOTE)).toBe(true);
    expect(isOlderQuote({ ...QUOTE, time: null }, QUOTE)).toBe(true);
    expect(isOlderQuote(QUOTE, { ...QUOTE, time: null })).toBe(false);
  });

  it("tells its change since the close before in per cent", () => {
    expect(changeOf({ ...QUOTE, last: "191.90" })).toBe("1.00");
  });
});
