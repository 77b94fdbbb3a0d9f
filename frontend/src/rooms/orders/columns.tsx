/** The columns of the blotter. */
import type { JSX } from "react";

import { decimalsOf, formatDecimal, signOf } from "../../shared/format/decimal";
import { money, NOTHING } from "../../shared/format/Pnl";
import { formatEnum, formatTime } from "../../shared/format/time";
import { SymbolLink } from "../../shared/page/links";
import { accountColumn } from "../../shared/session/accountColumn";
import type { LiveColumn } from "../../shared/table/layout";
import { Status, type Tone } from "../../shared/table/Status";
import type { Order } from "./documents";
import { placedThrough } from "./origin";

/** Average prices need more than the tick: two fills a tick apart meet between ticks. */
const AVERAGE_DECIMALS_MORE = 2;

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

const OVER: ReadonlySet<Order["state"]> = new Set(["FILLED", "CANCELED", "EXPIRED", "REJECTED"]);

export function isWorking(order: Pick<Order, "state">): boolean {
  return !OVER.has(order.state);
}

export function price(value: string | null, tickSize: string, more = 0): JSX.Element | string {
  return value === null ? NOTHING : formatDecimal(value, { decimals: decimalsOf(tickSize) + more });
}

export function Side({ side }: { side: Order["side"] }): JSX.Element {
  return <span className={side === "BUY" ? "text-buy" : "text-sell"}>{formatEnum(side)}</span>;
}

export function OrderStatus({ order }: { order: Pick<Order, "state" | "inDoubt" | "staged" | "rejectReason"> }): JSX.Element {
  if (order.inDoubt) return <Status tone="warn" label="In doubt" detail={formatEnum(order.state)} />;
  if (order.staged && order.state === "HELD") return <Status tone="pending" label="Staged" />;
  return <Status tone={ORDER_TONE[order.state]} label={formatEnum(order.state)} detail={order.rejectReason} />;
}

type Priced = Pick<Order, "orderType" | "limitPrice" | "stopPrice" | "trailingAmount"> & { instrument: { tickSize: string } };

export function orderPrice({ orderType, limitPrice, stopPrice, trailingAmount, instrument }: Priced): JSX.Element | string {
  switch (orderType) {
    case "MARKET":
      return <span className="text-faint">Market</span>;
    case "STOP_LIMIT":
      return (
        <>
          {price(stopPrice, instrument.tickSize)}
          <span className="px-1 text-faint">/</span>
          {price(limitPrice, instrument.tickSize)}
        </>
      );
    case "STOP":
      return price(stopPrice, instrument.tickSize);
    case "LIMIT":
      return price(limitPrice, instrument.tickSize);
    case "TRAILING_STOP":
      return trailingAmount === null ? NOTHING : <>trail {price(trailingAmount, instrument.tickSize)}</>;
  }
}

export const ORDER_COLUMNS: readonly LiveColumn<Order>[] = [
  {
    key: "time",
    header: "Time",
    width: 104,
    cell: (row) => <span className="text-soft">{formatTime(row.createdAt)}</span>,
    text: (row) => row.createdAt,
  },
  { key: "symbol", header: "Symbol", width: 84, isCompact: true, cell: (row) => <SymbolLink symbol={row.instrument.symbol} />, text: (row) => row.instrument.symbol },
  { key: "side", header: "Side", width: 48, isCompact: true, cell: (row) => <Side side={row.side} />, text: (row) => row.side },
  { key: "quantity", header: "Quantity", width: 80, isNumber: true, isCompact: true, cell: (row) => formatDecimal(row.quantity), text: (row) => row.quantity },
  {
    key: "filled",
    header: "Filled",
    width: 72,
    isNumber: true,
    cell: (row) => (signOf(row.filledQuantity) === 0 ? NOTHING : formatDecimal(row.filledQuantity)),
    text: (row) => row.filledQuantity,
  },
  { key: "type", header: "Type", width: 92, cell: (row) => formatEnum(row.orderType), text: (row) => row.orderType },
  {
    key: "price",
    header: "Price",
    width: 92,
    isNumber: true,
    cell: orderPrice,
    text: (row) => row.limitPrice ?? row.stopPrice ?? row.trailingAmount ?? "",
  },
  {
    key: "average",
    header: "Average fill",
    width: 92,
    isNumber: true,
    cell: (row) => price(row.averageFillPrice, row.instrument.tickSize, AVERAGE_DECIMALS_MORE),
    text: (row) => row.averageFillPrice ?? "",
  },
  { key: "validity", header: "Valid", width: 52, cell: (row) => row.timeInForce, text: (row) => row.timeInForce },
  { key: "state", header: "State", width: 150, isCompact: true, cell: (row) => <OrderStatus order={row} />, text: (row) => row.state },
  accountColumn(),
  { key: "remaining", header: "Remaining", width: 80, isNumber: true, isExtra: true, cell: (row) => formatDecimal(row.remainingQuantity), text: (row) => row.remainingQuantity },
  { key: "stop", header: "Stop", width: 80, isNumber: true, isExtra: true, cell: (row) => price(row.stopPrice, row.instrument.tickSize), text: (row) => row.stopPrice ?? "" },
  { key: "commission", header: "Commission", width: 84, isNumber: true, isExtra: true, cell: (row) => money(row.commission), text: (row) => row.commission },
  { key: "role", header: "Role", width: 90, isExtra: true, cell: (row) => (row.linkRole === null ? NOTHING : formatEnum(row.linkRole)), text: (row) => row.linkRole ?? "" },
  { key: "origin", header: "Through", width: 76, isExtra: true, cell: (row) => placedThrough(row.origin), text: (row) => row.origin },
  { key: "clientOrderId", header: "Client order id", width: 180, isExtra: true, cell: (row) => <span className="truncate text-soft">{row.clientOrderId}</span>, text: (row) => row.clientOrderId },
  { key: "brokerOrderId", header: "Broker id", width: 90, isExtra: true, cell: (row) => row.brokerOrderId ?? NOTHING, text: (row) => row.brokerOrderId ?? "" },
  { key: "updated", header: "Updated", width: 84, isExtra: true, cell: (row) => <span className="text-soft">{formatTime(row.updatedAt)}</span>, text: (row) => row.updatedAt },
];
