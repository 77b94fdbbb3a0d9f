/** Bars of an instrument: history asked once, and again as each new bar begins. */
import { useEffect, useState } from "react";

import { client } from "../../shared/graphql/client";
import { describeFailure } from "../../shared/graphql/failure";
import type { VariablesOf } from "../../shared/graphql/document";
import { BARS, type Bar } from "./documents";

export type Interval = VariablesOf<typeof BARS>["interval"];

interface Span {
  label: string;
  seconds: number;
  /** How far the chart looks back: a weekend must not leave it empty. */
  backMs: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const AGAIN_MIN_MS = 15_000;
const AGAIN_MAX_MS = 5 * 60_000;

export const INTERVALS = {
  MINUTE_1: { label: "1 min", seconds: 60, backMs: 4 * DAY_MS },
  MINUTES_5: { label: "5 min", seconds: 300, backMs: 10 * DAY_MS },
  MINUTES_15: { label: "15 min", seconds: 900, backMs: 30 * DAY_MS },
  HOUR_1: { label: "1 h", seconds: 3_600, backMs: 90 * DAY_MS },
  DAY_1: { label: "1 day", seconds: 86_400, backMs: 730 * DAY_MS },
} as const satisfies Partial<Record<Interval, Span>>;
export type ChartInterval = keyof typeof INTERVALS;

export interface Bars {
  bars: readonly Bar[] | null;
  failure: string | null;
}

export function useBars(symbol: string, interval: ChartInterval): Bars {
  const [told, setTold] = useState<Bars>({ bars: null, failure: null });
  useEffect(() => {
    setTold({ bars: null, failure: null });
    if (symbol === "") return;
    let isOver = false;
    const { seconds, backMs } = INTERVALS[interval];
    async function ask(): Promise<void> {
      const now = Date.now();
      const range = { start: new Date(now - backMs).toISOString(), end: new Date(now + seconds * 1000).toISOString() };
      const { data, error } = await client.query(BARS, { symbol, interval, ...range }).toPromise();
      if (isOver) return;
      setTold((before) => (data ? { bars: data.bars, failure: null } : { bars: before.bars, failure: error ? describeFailure(error) : null }));
    }
    void ask();
    const everyMs = Math.min(AGAIN_MAX_MS, Math.max(AGAIN_MIN_MS, seconds * 1000));
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") void ask();
    }, everyMs);
    return () => {
      isOver = true;
      clearInterval(timer);
    };
  }, [symbol, interval]);
  return told;
}
