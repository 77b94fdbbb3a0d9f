/** Lines and bars over time: results, equity, drawdown, how full a limit was, what was at risk. */
import { AreaSeries, createChart, HistogramSeries, LineSeries, LineStyle, type AutoscaleInfo, type IChartApi, type ISeriesApi, type SeriesType, type UTCTimestamp } from "lightweight-charts";
import { useEffect, useRef, type JSX } from "react";

import { usePnlColours, useTheme } from "../theme/theme";
import { chartColours, type ChartColours } from "./colours";
import { chartOptions, chartTime } from "./options";

export interface ChartLine {
  name: string;
  colour: keyof ChartColours;
  isFilled?: boolean;
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
    const isPlain = levels.length === 0 && !lines.some((line) => line.isBars);
    if (!isPlain) chart.timeScale().applyOptions({ maxBarSpacing: BAR_PX_MAX, rightOffset: 1 });
    const [first] = lines.flatMap((line) => draw(chart, line, colours, isPlain));
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
/** As wide as a name at the right end, which few points would hide behind. */
const BAR_PX_MAX = 80;

type Point = { time: UTCTimestamp; value?: number };

/** What is drawn of a line: the library would draw on over a gap, so each part between gaps is a series by itself. */
function draw(chart: IChartApi, line: ChartLine, colours: ChartColours, hasLastLine: boolean): ISeriesApi<SeriesType>[] {
  const points = pointsOf(line);
  if (line.isBars) {
    const bars = chart.addSeries(HistogramSeries, { title: line.name, priceLineVisible: false, lastValueVisible: false });
    bars.setData(points.map((each) => (each.value === undefined ? each : { ...each, color: each.value < 0 ? colours.loss : colours.gain })));
    return [bars];
  }
  const parts = partsOf(points);
  return parts.map((part, place) => {
    const isLast = place === parts.length - 1;
    const options = { lineWidth: 1, title: isLast ? line.name : "", lastValueVisible: isLast, priceLineVisible: isLast && hasLastLine } as const;
    const color = colours[line.colour];
    const series = line.isFilled
      ? chart.addSeries(AreaSeries, { ...options, lineColor: color, topColor: "transparent", bottomColor: "transparent" })
      : chart.addSeries(LineSeries, { ...options, color, lineStyle: line.isDashed ? LineStyle.Dashed : LineStyle.Solid });
    // The first part brings the times of all gaps, so that the axis has them.
    const end = part.at(-1)?.time ?? 0;
    series.setData(place === 0 ? points.filter((each) => each.value === undefined || each.time <= end) : part);
    return series;
  });
}

function pointsOf(line: ChartLine): Point[] {
  // Number() for pixels alone: what is read stands in the tables.
  const byTime = new Map(line.points.map(({ at, value }) => [chartTime(at), value === null ? null : Number(value)]));
  return [...byTime].toSorted(([left], [right]) => left - right).map(([time, value]) => (value === null ? { time: time as UTCTimestamp } : { time: time as UTCTimestamp, value }));
}

function partsOf(points: readonly Point[]): Point[][] {
  const parts: Point[][] = [[]];
  for (const each of points) {
    if (each.value !== undefined) parts.at(-1)?.push(each);
    else if (parts.at(-1)?.length) parts.push([]);
  }
  return parts.length > 1 && parts.at(-1)?.length === 0 ? parts.slice(0, -1) : parts;
}

function reaching(own: AutoscaleInfo | null, values: readonly number[]): AutoscaleInfo {
  const range = own?.priceRange;
  const all = range ? [range.minValue, range.maxValue, ...values] : values;
  return { ...own, priceRange: { minValue: Math.min(...all), maxValue: Math.max(...all) } };
}
