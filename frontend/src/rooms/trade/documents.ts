import { graphql, type ResultOf } from "../../shared/graphql/document";

export const BARS = graphql(`
  query ChartBars($symbol: String!, $interval: BarInterval!, $start: DateTime!, $end: DateTime!) {
    bars(symbol: $symbol, interval: $interval, start: $start, end: $end) { time open high low close volume }
  }
`);

export type Bar = ResultOf<typeof BARS>["bars"][number];
