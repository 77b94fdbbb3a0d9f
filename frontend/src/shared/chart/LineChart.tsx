/** Lines and bars over time: results, equity, drawdown, how full a limit was, what was at risk. */
import { AreaSeries, createChart, HistogramSeries, LineSeries, LineStyle, LineType, type AutoscaleInfo, type IChartApi, type ISeriesApi, type SeriesType, type UTCTimestamp } from "lightweight-charts";
import { useEffect, useRef, type JSX } from "react";

import { usePnlColours, useTheme } from "../theme/theme";
import { chartColours, type ChartColours } from "./colours";
import { chartOptions, chartTime } from "./options";

export interface ChartLine {
  name: string;
  colour: keyof ChartColours;
  isFilled?: boolean;
  /** Holds its value until the next point. */
  isStepped?: boolean;
  isDashed?: boolean;
  /** Bars from zero, in the colours of profit and loss. */
  isBars?: boolean;
  /** A value that is null leaves a gap. */
  points: readonly { at: string; value: string | null }[];
}

/** A value that stands for all time, such as the one at which a limit is breached. */
export interface ChartLevel {
  name: string;
  colour: keyof ChartColours;
  value: number;
}

interface LineChartProps {
  /** What it shows, for who cannot see it. */
  label: string;
  lines: readonly ChartLine[];
  /** They are always in sight, and zero with them. */
  levels?: readonly ChartLevel[];
  /** How a value is told at the scale. */
  format?: (value: number) => string;
}

export function LineChart({ label, lines, levels = NO_LEVELS, format }: LineChartProps): JSX.Element {
  const element = useRef<HTMLDivElement>(null);
  const theme = useTheme();
  const pnl = usePnlColours();
  useEffect(() => {
    if (!element.current) return;
    const colours = chartColours();
    const chart = createChart(element.current, { ...chartOptions(colours), ...(format ? { localization: { priceFormatter: format } } : {}) });
    const drawn = lines.map((line) => draw(chart, line, colours));
    const [first] = drawn;
    if (first && levels.length > 0) {
      const values = [0, ...levels.map((level) => level.value)];
      first.applyOptions({ autoscaleInfoProvider: (own: () => AutoscaleInfo | null) => reaching(own(), values) });
      for (const level of levels) {
        first.createPriceLine({ price: level.value, title: level.name, color: colours[level.colour], lineWidth: 1, lineStyle: LineStyle.Dashed, axisLabelVisible: true });
      }
    }
    chart.timeScale().fitContent();
    return () => chart.remove();
  }, [lines, levels, format, theme, pnl]);
  return <div ref={element} role="img" aria-label={label} className="h-full min-h-32 w-full" />;
}

const NO_LEVELS: readonly ChartLevel[] = [];

function draw(chart: IChartApi, line: ChartLine, colours: ChartColours): ISeriesApi<SeriesType> {
  const color = colours[line.colour];
  // Number() for pixels alone: what is read stands in the tables.
  const byTime = new Map(line.points.map(({ at, value }) => [chartTime(at), value === null ? null : Number(value)]));
  const points = [...byTime].toSorted(([left], [right]) => left - right).map(([time, value]) => ({ time: time as UTCTimestamp, value }));
  const data = points.map(({ time, value }) => (value === null ? { time } : { time, value }));
  if (line.isBars) {
    const bars = chart.addSeries(HistogramSeries, { title: line.name, priceLineVisible: false, lastValueVisible: false });
    bars.setData(data.map((each) => ("value" in each ? { ...each, color: each.value < 0 ? colours.loss : colours.gain } : each)));
    return bars;
  }
  if (line.isFilled) {
    const area = chart.addSeries(AreaSeries, { lineColor: color, topColor: "transparent", bottomColor: "transparent", lineWidth: 1, title: line.name });
    area.setData(data);
    return area;
  }
  const plain = chart.addSeries(LineSeries, {
    color,
    lineWidth: 1,
    title: line.name,
    lineType: line.isStepped ? LineType.WithSteps : LineType.Simple,
    lineStyle: line.isDashed ? LineStyle.Dashed : LineStyle.Solid,
  });
  plain.setData(data);
  return plain;
}

function reaching(own: AutoscaleInfo | null, values: readonly number[]): AutoscaleInfo {
  const range = own?.priceRange;
  const all = range ? [range.minValue, range.maxValue, ...values] : values;
  return { ...own, priceRange: { minValue: Math.min(...all), maxValue: Math.max(...all) } };
}
