/** The columns of the overview's tables. */
import type { JSX } from "react";

import { decimalsOf, formatDecimal, percent, signOf, subtract } from "../../shared/format/decimal";
import { money, NOTHING, Pnl } from "../../shared/format/Pnl";
import { formatEnum, formatTime } from "../../shared/format/time";
import { modeOf } from "../../shared/session/accounts";
import { ModeBadge } from "../../shared/session/Mode";
import { Status, type Tone } from "../../shared/table/Status";
import type { Column } from "../../shared/table/Table";
import type { Account, Order, Position } from "./documents";
import type { QuoteRow } from "./quotes";

/** Average prices need more than the tick: two fills a tick apart meet between ticks. */
const AVERAGE_DECIMALS_MORE = 2;

const WIDE = "max-sm:hidden";
const WIDER = "max-md:hidden";
const WIDEST = "max-xl:hidden";

function price(value: string | null, tickSize: string, more = 0): JSX.Element | string {
  return value === null ? NOTHING : formatDecimal(value, { decimals: decimalsOf(tickSize) + more });
}

const CONNECTION_TONE: Record<Account["connection"]["state"], Tone> = {
  CONNECTED: "ok",
  SYNCHRONIZING: "working",
  CONNECTING: "pending",
  DEGRADED: "warn",
  BACKING_OFF: "warn",
  DISCONNECTED: "critical",
};

export const ACCOUNT_COLUMNS: readonly Column<Account>[] = [
  { key: "number", header: "Account", cell: (row) => <span className="font-medium">{row.accountNumber}</span> },
  { key: "mode", header: "Mode", cell: (row) => <ModeBadge mode={modeOf(row)} /> },
  {
    key: "state",
    header: "Connection",
    cell: ({ connection }) => (
      <Status
        tone={CONNECTION_TONE[connection.state]}
        label={formatEnum(connection.state)}
        detail={connection.state === "CONNECTED" ? null : connection.lastError}
      />
    ),
  },
  {
    key: "roundTrip",
    header: "Round trip",
    isNumber: true,
    className: WIDEST,
    cell: ({ connection }) => (connection.roundTripMs === null ? NOTHING : `${connection.roundTripMs.toFixed(1)} ms`),
  },
  { key: "currency", header: "Currency", className: WIDE, cell: (row) => row.baseCurrency },
  { key: "cash", header: "Cash", isNumber: true, className: WIDE, cell: (row) => money(row.cash) },
  { key: "buyingPower", header: "Buying power", isNumber: true, className: WIDER, cell: (row) => money(row.buyingPower) },
  { key: "equity", header: "Equity", isNumber: true, cell: (row) => money(row.equity) },
];

export const POSITION_COLUMNS: readonly Column<Position>[] = [
  { key: "symbol", header: "Symbol", cell: (row) => <span className="font-medium">{row.instrument.symbol}</span> },
  { key: "account", header: "Account", className: WIDER, cell: (row) => row.account.accountNumber },
  { key: "quantity", header: "Quantity", isNumber: true, cell: (row) => formatDecimal(row.quantity) },
  {
    key: "average",
    header: "Average",
    isNumber: true,
    className: WIDE,
    cell: (row) => price(row.averagePrice, row.instrument.tickSize, AVERAGE_DECIMALS_MORE),
  },
  {
    key: "market",
    header: "Market",
    isNumber: true,
    className: WIDE,
    cell: (row) => price(row.marketPrice, row.instrument.tickSize),
  },
  { key: "value", header: "Value", isNumber: true, className: WIDER, cell: (row) => money(row.marketValue) },
  { key: "currency", header: "Currency", className: WIDE, cell: (row) => row.instrument.currency },
  { key: "unrealized", header: "Unrealized", isNumber: true, cell: (row) => <Pnl value={row.unrealizedPnl} /> },
  { key: "realized", header: "Realized", isNumber: true, cell: (row) => <Pnl value={row.realizedPnl} /> },
];

const ORDER_TONE: Record<Order["state"], Tone> = {
  NEW: "pending",
  PENDING_APPROVAL: "pending",
  HELD: "pending",
  ROUTED: "pending",
  ACCEPTED: "working",
  PARTIALLY_FILLED: "working",
  PENDING_REPLACE: "pending",
  PENDING_CANCEL: "pending",
  FILLED: "ok",
  CANCELED: "ended",
  EXPIRED: "ended",
  REJECTED: "critical",
};

function orderPrice({ orderType, limitPrice, stopPrice, instrument }: Order): JSX.Element | string {
  switch (orderType) {
    case "MARKET":
      return <span className="text-faint">Market</span>;
    case "STOP_LIMIT":
      return (
        <>
          {price(stopPrice, instrument.tickSize)} <span className="text-faint">/</span> {price(limitPrice, instrument.tickSize)}
        </>
      );
    case "STOP":
      return price(stopPrice, instrument.tickSize);
    case "LIMIT":
      return price(limitPrice, instrument.tickSize);
    case "TRAILING_STOP":
      return NOTHING;
  }
}

export const ORDER_COLUMNS: readonly Column<Order>[] = [
  { key: "time", header: "Time", className: WIDE, cell: (row) => <span className="text-soft">{formatTime(row.createdAt)}</span> },
  {
    key: "symbol",
    header: "Symbol",
    // The first column when there is no room for the time.
    className: "max-sm:pl-4",
    cell: (row) => <span className="font-medium">{row.instrument.symbol}</span>,
  },
  {
    key: "side",
    header: "Side",
    cell: (row) => <span className={row.side === "BUY" ? "text-buy" : "text-sell"}>{formatEnum(row.side)}</span>,
  },
  { key: "quantity", header: "Quantity", isNumber: true, cell: (row) => formatDecimal(row.quantity) },
  {
    key: "filled",
    header: "Filled",
    isNumber: true,
    cell: (row) => (signOf(row.filledQuantity) === 0 ? NOTHING : formatDecimal(row.filledQuantity)),
  },
  { key: "type", header: "Type", className: WIDER, cell: (row) => formatEnum(row.orderType) },
  { key: "price", header: "Price", isNumber: true, className: WIDE, cell: orderPrice },
  {
    key: "average",
    header: "Average fill",
    isNumber: true,
    className: WIDER,
    cell: (row) => price(row.averageFillPrice, row.instrument.tickSize, AVERAGE_DECIMALS_MORE),
  },
  { key: "validity", header: "Valid", className: WIDEST, cell: (row) => row.timeInForce },
  { key: "account", header: "Account", className: WIDEST, cell: (row) => row.account.accountNumber },
  {
    key: "state",
    header: "State",
    className: "max-w-64 overflow-hidden",
    cell: (row) =>
      row.inDoubt ? (
        <Status tone="warn" label="In doubt" detail={formatEnum(row.state)} />
      ) : (
        <Status tone={ORDER_TONE[row.state]} label={formatEnum(row.state)} detail={row.rejectReason} />
      ),
  },
];

function Change({ row }: { row: QuoteRow }): JSX.Element {
  if (row.last === null || row.previousClose === null) return NOTHING;
  const change = subtract(row.last, row.previousClose);
  const share = percent(change, row.previousClose);
  if (share === null) return NOTHING;
  return <Pnl value={share} unit="%" />;
}

function Last({ row }: { row: QuoteRow }): JSX.Element {
  const tint = row.move > 0 ? "tint-up" : row.move < 0 ? "tint-down" : "";
  // A new key starts the tint again with each move.
  return (
    <span key={`${row.last}`} className={`font-medium ${tint}`}>
      {price(row.last, row.tickSize)}
    </span>
  );
}

export const QUOTE_COLUMNS: readonly Column<QuoteRow>[] = [
  { key: "symbol", header: "Symbol", cell: (row) => <span className="font-medium">{row.symbol}</span> },
  { key: "last", header: "Last", isNumber: true, cell: (row) => <Last row={row} /> },
  { key: "change", header: "Change", isNumber: true, cell: (row) => <Change row={row} /> },
  { key: "bid", header: "Bid", isNumber: true, cell: (row) => price(row.bid, row.tickSize) },
  { key: "ask", header: "Ask", isNumber: true, cell: (row) => price(row.ask, row.tickSize) },
];
