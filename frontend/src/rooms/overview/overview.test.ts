import { describe, expect, it } from "vitest";

import type { OrderWithEvents } from "./documents";
import { fromInstrument, isOlderQuote, withTick, type QuoteRow } from "./quotes";
import { cursorAfter, isGap } from "./sequence";

const QUOTE: QuoteRow = {
  instrumentId: "i1",
  symbol: "AAPL",
  currency: "USD",
  tickSize: "0.01",
  bid: "187.40",
  ask: "187.44",
  last: "187.42",
  previousClose: "190.00",
  time: "2026-11-21T14:00:00.000000Z",
  move: 0,
};

function order(accountId: string, sequences: number[]): OrderWithEvents {
  return {
    account: { id: accountId, accountNumber: "DU1" },
    events: sequences.map((sequence) => ({ sequence })),
  } as OrderWithEvents;
}

describe("a quote", () => {
  it("keeps the side that a tick leaves out and knows where the last price went", () => {
    const next = withTick(QUOTE, {
      instrumentId: "i1",
      bid: null,
      ask: "187.45",
      last: "187.4",
      time: "2026-11-21T14:00:01.000000Z",
    });

    expect([next.bid, next.ask, next.last, next.move]).toEqual(["187.40", "187.45", "187.4", -1]);
  });

  it("starts empty for an instrument that was never quoted", () => {
    const row = fromInstrument({
      id: "i2",
      symbol: "MSFT",
      exchange: "SMART",
      currency: "USD",
      tickSize: "0.01",
      quote: null,
    });

    expect([row.last, row.time, row.move]).toEqual([null, null, 0]);
  });

  it("is not replaced by an older one", () => {
    expect(isOlderQuote({ ...QUOTE, time: "2026-11-21T13:59:59.000000Z" }, QUOTE)).toBe(true);
    expect(isOlderQuote({ ...QUOTE, time: null }, QUOTE)).toBe(true);
    expect(isOlderQuote(QUOTE, { ...QUOTE, time: null })).toBe(false);
  });
});

describe("the cursor of an account's log", () => {
  it("is the newest event of its own orders", () => {
    expect(cursorAfter([order("a", [4, 9]), order("b", [70]), order("a", [2])], 3, "a")).toBe(9);
  });

  it("is the start for an account without orders when the page is complete", () => {
    expect(cursorAfter([order("b", [70])], 1, "a")).toBe(0);
  });

  it("is unknown for an account without orders when the page is not complete", () => {
    expect(cursorAfter([order("b", [70])], 400, "a")).toBeUndefined();
  });

  it("shows a gap only when events are missing, not when they repeat", () => {
    expect([isGap(4, 5), isGap(4, 4), isGap(4, 6), isGap(undefined, 9)]).toEqual([false, false, true, false]);
  });
});
