import type { JSX } from "react";

import { formatDecimal } from "../../shared/format/decimal";
import { NOTHING, Pnl } from "../../shared/format/Pnl";
import { formatEnum, formatTime } from "../../shared/format/time";
import { SymbolLink } from "../../shared/page/links";
import type { LiveColumn } from "../../shared/table/layout";
import { Status, type Tone } from "../../shared/table/Status";
import { price } from "../orders/columns";
import { changeOf, type QuoteRow } from "./quotes";

export function Last({ row }: { row: QuoteRow }): JSX.Element {
  const tint = row.move > 0 ? "tint-up" : row.move < 0 ? "tint-down" : "";
  return <span className={`font-medium ${tint}`}>{price(row.last, row.tickSize)}</span>;
}

export function Change({ row }: { row: QuoteRow }): JSX.Element {
  const share = changeOf(row);
  return share === null ? NOTHING : <Pnl value={share} unit="%" />;
}

const size = (value: string | null): JSX.Element | string => (value === null ? NOTHING : formatDecimal(value));

const LINE_TONE: Record<NonNullable<QuoteRow["line"]>["state"], Tone> = {
  LIVE: "ok",
  OPENING: "pending",
  DELAYED: "warn",
  FROZEN: "warn",
  STALE: "warn",
  REFUSED: "critical",
  EXHAUSTED: "critical",
  NONE: "ended",
};

export function Line({ line }: { line: QuoteRow["line"] }): JSX.Element {
  if (line === null) return NOTHING;
  return <Status tone={LINE_TONE[line.state]} label={line.state === "NONE" ? "No line" : formatEnum(line.state)} detail={line.reason} />;
}

export const QUOTE_COLUMNS: readonly LiveColumn<QuoteRow>[] = [
  { key: "symbol", header: "Symbol", width: 72, isCompact: true, cell: (row) => <SymbolLink symbol={row.symbol} />, text: (row) => row.symbol },
  { key: "name", header: "Name", width: 180, cell: (row) => <span className="truncate text-soft">{row.name}</span>, text: (row) => row.name },
  { key: "last", header: "Last", width: 74, isNumber: true, isCompact: true, cell: (row) => <Last row={row} />, text: (row) => row.last ?? "" },
  { key: "change", header: "Change", width: 72, isNumber: true, isCompact: true, cell: (row) => <Change row={row} />, text: (row) => changeOf(row) ?? "" },
  { key: "bidSize", header: "Bid size", width: 72, isNumber: true, cell: (row) => size(row.bidSize), text: (row) => row.bidSize ?? "" },
  { key: "bid", header: "Bid", width: 74, isNumber: true, isCompact: true, cell: (row) => price(row.bid, row.tickSize), text: (row) => row.bid ?? "" },
  { key: "ask", header: "Ask", width: 74, isNumber: true, isCompact: true, cell: (row) => price(row.ask, row.tickSize), text: (row) => row.ask ?? "" },
  { key: "askSize", header: "Ask size", width: 72, isNumber: true, cell: (row) => size(row.askSize), text: (row) => row.askSize ?? "" },
  { key: "low", header: "Low", width: 80, isNumber: true, cell: (row) => price(row.low, row.tickSize), text: (row) => row.low ?? "" },
  { key: "high", header: "High", width: 80, isNumber: true, cell: (row) => price(row.high, row.tickSize), text: (row) => row.high ?? "" },
  { key: "close", header: "Close before", width: 88, isNumber: true, isExtra: true, cell: (row) => price(row.previousClose, row.tickSize), text: (row) => row.previousClose ?? "" },
  { key: "volume", header: "Volume", width: 100, isNumber: true, cell: (row) => size(row.volume), text: (row) => row.volume ?? "" },
  { key: "exchange", header: "Exchange", width: 80, isExtra: true, cell: (row) => row.exchange, text: (row) => row.exchange },
  { key: "currency", header: "Currency", width: 64, cell: (row) => row.currency, text: (row) => row.currency },
  { key: "type", header: "Type", width: 72, isExtra: true, cell: (row) => formatEnum(row.instrumentType), text: (row) => row.instrumentType },
  { key: "line", header: "Data", width: 110, cell: (row) => <Line line={row.line} />, text: (row) => row.line?.state ?? "" },
  { key: "time", header: "Updated", width: 84, cell: (row) => (row.time === null ? NOTHING : <span className="text-soft">{formatTime(row.time)}</span>), text: (row) => row.time ?? "" },
];
