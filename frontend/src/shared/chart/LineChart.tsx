/** One or two lines over time: results, equity, drawdown. */
import { AreaSeries, createChart, LineSeries, type UTCTimestamp } from "lightweight-charts";
import { useEffect, useRef, type JSX } from "react";

import { usePnlColours, useTheme } from "../theme/theme";
import { chartColours, type ChartColours } from "./colours";
import { chartOptions, chartTime } from "./options";

export interface ChartLine {
  name: string;
  colour: keyof ChartColours;
  isFilled?: boolean;
  points: readonly { at: string; value: string }[];
}

interface LineChartProps {
  /** What it shows, for who cannot see it. */
  label: string;
  lines: readonly ChartLine[];
}

export function LineChart({ label, lines }: LineChartProps): JSX.Element {
  const element = useRef<HTMLDivElement>(null);
  const theme = useTheme();
  const pnl = usePnlColours();
  useEffect(() => {
    if (!element.current) return;
    const colours = chartColours();
    const chart = createChart(element.current, chartOptions(colours));
    for (const line of lines) {
      const color = colours[line.colour];
      const series = line.isFilled
        ? chart.addSeries(AreaSeries, { lineColor: color, topColor: "transparent", bottomColor: "transparent", lineWidth: 1, title: line.name })
        : chart.addSeries(LineSeries, { color, lineWidth: 1, title: line.name });
      // Number() for pixels alone: what is read stands in the tables.
      const byTime = new Map(line.points.map(({ at, value }) => [chartTime(at), Number(value)]));
      series.setData([...byTime].toSorted(([left], [right]) => left - right).map(([time, value]) => ({ time: time as UTCTimestamp, value })));
    }
    chart.timeScale().fitContent();
    return () => chart.remove();
  }, [lines, theme, pnl]);
  return <div ref={element} role="img" aria-label={label} className="h-full min-h-32 w-full" />;
}
