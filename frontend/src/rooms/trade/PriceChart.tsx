/** Candles with volume, the working orders as lines and the fills as marks. */
import {
  CandlestickSeries,
  createChart,
  createSeriesMarkers,
  HistogramSeries,
  LineStyle,
  type IChartApi,
  type IPriceLine,
  type ISeriesApi,
  type ISeriesMarkersPluginApi,
  type Time,
  type UTCTimestamp,
} from "lightweight-charts";
import { useEffect, useRef, type JSX } from "react";

import { chartColours } from "../../shared/chart/colours";
import { chartOptions, chartTime } from "../../shared/chart/options";
import { decimalsOf, formatDecimal } from "../../shared/format/decimal";
import { usePnlColours, useTheme } from "../../shared/theme/theme";
import type { Execution } from "../executions/documents";
import type { Order } from "../orders/documents";
import type { Bar } from "./documents";

interface PriceChartProps {
  symbol: string;
  bars: readonly Bar[];
  /** Seconds of a bar: fills stand at the bar in which they were dealt. */
  seconds: number;
  tickSize: string;
  last: string | null;
  orders: readonly Order[];
  fills: readonly Execution[];
}

interface Drawn {
  chart: IChartApi;
  candles: ISeriesApi<"Candlestick">;
  volume: ISeriesApi<"Histogram">;
  marks: ISeriesMarkersPluginApi<Time>;
}

const VOLUME_TOP = 0.82;

export function PriceChart({ symbol, bars, seconds, tickSize, last, orders, fills }: PriceChartProps): JSX.Element {
  const element = useRef<HTMLDivElement>(null);
  const drawn = useRef<Drawn | null>(null);
  const theme = useTheme();
  const pnl = usePnlColours();
  const looks = `${theme} ${pnl}`;

  useEffect(() => {
    if (!element.current) return;
    const colours = chartColours();
    const chart = createChart(element.current, chartOptions(colours));
    const precision = decimalsOf(tickSize);
    const candles = chart.addSeries(CandlestickSeries, {
      upColor: colours.gain,
      downColor: colours.loss,
      wickUpColor: colours.gain,
      wickDownColor: colours.loss,
      borderVisible: false,
      priceFormat: { type: "price", precision, minMove: Number(tickSize) },
    });
    const volume = chart.addSeries(HistogramSeries, { priceScaleId: "", color: colours.faint, priceFormat: { type: "volume" }, lastValueVisible: false, priceLineVisible: false });
    volume.priceScale().applyOptions({ scaleMargins: { top: VOLUME_TOP, bottom: 0 } });
    drawn.current = { chart, candles, volume, marks: createSeriesMarkers(candles, []) };
    return () => {
      drawn.current = null;
      chart.remove();
    };
  }, [symbol, seconds, tickSize, looks]);

  useEffect(() => {
    if (!drawn.current) return;
    const { candles, volume, chart } = drawn.current;
    const isFirst = candles.data().length === 0;
    // Number() for pixels alone.
    candles.setData(
      bars.map((bar) => ({
        time: chartTime(bar.time) as UTCTimestamp,
        open: Number(bar.open),
        high: Number(bar.high),
        low: Number(bar.low),
        close: Number(bar.close),
      })),
    );
    volume.setData(bars.map((bar) => ({ time: chartTime(bar.time) as UTCTimestamp, value: Number(bar.volume) })));
    if (isFirst && bars.length > 0) chart.timeScale().setVisibleLogicalRange({ from: bars.length - 150, to: bars.length + 5 });
  }, [bars, looks, symbol, seconds, tickSize]);

  useEffect(() => {
    const newest = drawn.current?.candles.data().at(-1);
    if (!drawn.current || last === null || !newest || !("open" in newest)) return;
    const value = Number(last);
    drawn.current.candles.update({ ...newest, close: value, high: Math.max(newest.high, value), low: Math.min(newest.low, value) });
  }, [last, bars, looks]);

  useEffect(() => {
    if (!drawn.current) return;
    const { candles } = drawn.current;
    const colours = chartColours();
    const lines: IPriceLine[] = orders.flatMap((order) =>
      [order.limitPrice, order.stopPrice].flatMap((level, index) =>
        level === null
          ? []
          : candles.createPriceLine({
              price: Number(level),
              color: order.side === "BUY" ? colours.buy : colours.sell,
              lineWidth: 1,
              lineStyle: index === 0 ? LineStyle.Dashed : LineStyle.Dotted,
              title: `${order.side === "BUY" ? "buy" : "sell"} ${formatDecimal(order.remainingQuantity)}${index === 0 ? "" : " stop"}`,
            }),
      ),
    );
    return () => {
      // The series goes with its chart.
      if (drawn.current?.candles === candles) for (const line of lines) candles.removePriceLine(line);
    };
  }, [orders, looks, symbol, seconds, tickSize]);

  useEffect(() => {
    if (!drawn.current) return;
    const colours = chartColours();
    const first = bars[0];
    const from = first ? chartTime(first.time) : Number.POSITIVE_INFINITY;
    const marks = fills
      .map((fill) => ({ fill, time: Math.floor(chartTime(fill.executedAt) / seconds) * seconds }))
      .filter(({ time }) => time >= from)
      .toSorted((left, right) => left.time - right.time)
      .map(({ fill, time }) => ({
        time: time as UTCTimestamp,
        position: fill.side === "BUY" ? ("belowBar" as const) : ("aboveBar" as const),
        shape: fill.side === "BUY" ? ("arrowUp" as const) : ("arrowDown" as const),
        color: fill.side === "BUY" ? colours.buy : colours.sell,
        text: formatDecimal(fill.quantity),
      }));
    drawn.current.marks.setMarkers(marks);
  }, [fills, bars, seconds, looks, symbol, tickSize]);

  const newest = bars.at(-1);
  const label = newest ? `${symbol}, ${bars.length} bars, the last one closed at ${formatDecimal(newest.close)}` : `${symbol}, no bars`;
  return <div ref={element} role="img" aria-label={label} className="h-full min-h-0 w-full" />;
}
