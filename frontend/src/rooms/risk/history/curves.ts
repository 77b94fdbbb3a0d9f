/** What the charts of risk over time are drawn from. */
import type { ChartLevel, ChartLine } from "../../../shared/chart/LineChart";
import { formatDecimal } from "../../../shared/format/decimal";
import type { LimitType } from "../documents";
import { ratioInWords } from "../monitor/levels";
import type { AtRiskDay, Stood, UtilisationHistory } from "./documents";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const WARN_AT_DEFAULT = 0.8;

/** The types of which something is used while no order comes; the others have no history. */
const MEASURED: ReadonlySet<LimitType> = new Set([
  "MAX_POSITION_QUANTITY",
  "MAX_POSITION_NOTIONAL",
  "MAX_OPEN_ORDERS",
  "MAX_DAILY_LOSS",
  "MAX_DRAWDOWN",
  "MAX_LEVERAGE",
  "MIN_MARGIN_EXCESS",
  "MAX_ORDERS_PER_MINUTE",
  "MAX_CONCENTRATION",
  "CANCEL_RATE",
  "ORDER_TO_TRADE_RATIO",
]);

export function hasHistory(type: LimitType): boolean {
  return MEASURED.has(type);
}

/** So many days back from now; a day ahead, for the server ends at its own now whenever it is asked again. */
export function rangeOf(days: number, nowMs: number): { start: string; end: string } {
  return { start: new Date(nowMs - days * DAY_MS).toISOString(), end: new Date(nowMs + DAY_MS).toISOString() };
}

/** A point for each slice from the start to the last that is known; where nothing was measured there is a gap. */
export function curveOf(history: UtilisationHistory): ChartLine["points"] {
  const stepMs = history.resolutionMinutes * MINUTE_MS;
  const byTime = new Map(history.points.map((point) => [Date.parse(point.at), point.ratio]));
  const times = [...byTime.keys()];
  if (times.length === 0) return [];
  const [first, last] = [Date.parse(history.start), Math.max(...times)];
  return Array.from({ length: (last - first) / stepMs + 1 }, (_, place) => {
    const at = first + place * stepMs;
    const ratio = byTime.get(at) ?? null;
    return { at: new Date(at).toISOString(), value: ratio === null ? null : String(ratio) };
  });
}

/** Where a limit warns, and where it is breached. */
export function levelsOf(warnAt: string | null): readonly ChartLevel[] {
  return [
    { name: "Warns", colour: "warn", value: warnAt === null ? WARN_AT_DEFAULT : Number(warnAt) },
    { name: "Breached above", colour: "critical", value: 1 },
  ];
}

/** From the lowest to the highest, for who cannot see the chart; null where nothing was measured. */
export function curveInWords(history: UtilisationHistory): string | null {
  const ratios = history.points.map((point) => point.ratio).filter((ratio) => ratio !== null);
  if (ratios.length === 0) return null;
  const now = history.points.at(-1)?.ratio ?? null;
  const last = now === null ? "not measured at the end" : `${ratioInWords(now)} at the end`;
  return `Used from ${ratioInWords(Math.min(...ratios))} to ${ratioInWords(Math.max(...ratios))}, ${last}`;
}

/** What each day was said to lose at most at the close before it, below zero, and what it brought. */
export function atRiskLines(days: readonly AtRiskDay[]): readonly ChartLine[] {
  const next = days.map((each) => ({ each, at: `${dayAfter(each.day)}T00:00:00` }));
  return [
    { name: "P&L of the day", colour: "gain", isBars: true, points: next.map(({ each, at }) => ({ at, value: each.nextDayPnl })) },
    { name: "Historical", colour: "critical", points: next.map(({ each, at }) => ({ at, value: below(each.historical.valueAtRisk) })) },
    { name: "Parametric", colour: "warn", isDashed: true, points: next.map(({ each, at }) => ({ at, value: below(each.parametric.valueAtRisk) })) },
  ];
}

function below(figure: string | null): string | null {
  if (figure === null) return null;
  return figure.startsWith("-") ? figure.slice(1) : `-${figure}`;
}

export function dayAfter(day: string): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + DAY_MS).toISOString().slice(0, "2026-01-01".length);
}

/** 3 of 250 days lost more; 2.5 are expected. */
export function stoodInWords(name: string, stood: Stood): string {
  if (stood.days === 0) return `${name}: no day counts yet.`;
  const days = stood.days === 1 ? "1 day" : `${stood.days} days`;
  return `${name}: more was lost on ${stood.exceptions} of ${days}; ${formatDecimal(stood.expected)} would be expected.`;
}

/** Why a day's figures are about a part of what was held, or are not there; null where nothing is missing. */
export function gapOfDay(day: AtRiskDay): string | null {
  if (day.reason !== null) return day.reason;
  const parts = [
    [day.unvaluedPositions, "without a price or a rate"],
    [day.uncoveredPositions, "without a history"],
  ] as const;
  const said = parts.filter(([count]) => count > 0).map(([count, why]) => `${count} ${why}`);
  if (said.length > 0) return `In no figure: ${said.join(", ")}`;
  return day.historical.reason ?? (day.isComplete ? null : "A rate counts as if it never moved");
}
