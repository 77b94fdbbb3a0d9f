import { formatDecimal, multiply } from "../../shared/format/decimal";
import { money, NOTHING, Pnl } from "../../shared/format/Pnl";
import { formatTime } from "../../shared/format/time";
import { RoomLink, SymbolLink } from "../../shared/page/links";
import { accountColumn } from "../../shared/session/accountColumn";
import type { LiveColumn } from "../../shared/table/layout";
import { Status } from "../../shared/table/Status";
import { price, Side } from "../orders/columns";
import type { Execution } from "./documents";

export const EXECUTION_COLUMNS: readonly LiveColumn<Execution>[] = [
  { key: "time", header: "Time", width: 84, isCompact: true, cell: (row) => <span className="text-soft">{formatTime(row.executedAt)}</span>, text: (row) => row.executedAt },
  { key: "symbol", header: "Symbol", width: 84, isCompact: true, cell: (row) => <SymbolLink symbol={row.instrument.symbol} />, text: (row) => row.instrument.symbol },
  { key: "side", header: "Side", width: 48, isCompact: true, cell: (row) => <Side side={row.side} />, text: (row) => row.side },
  { key: "quantity", header: "Quantity", width: 80, isNumber: true, isCompact: true, cell: (row) => formatDecimal(row.quantity), text: (row) => row.quantity },
  { key: "price", header: "Price", width: 84, isNumber: true, isCompact: true, cell: (row) => price(row.price, row.instrument.tickSize), text: (row) => row.price },
  { key: "worth", header: "Quantity × price", width: 112, isNumber: true, cell: (row) => money(multiply(row.quantity, row.price)), text: (row) => multiply(row.quantity, row.price) },
  { key: "currency", header: "Currency", width: 64, cell: (row) => row.instrument.currency, text: (row) => row.instrument.currency },
  {
    key: "commission",
    header: "Commission",
    width: 96,
    isNumber: true,
    cell: (row) => (row.commission === null ? <span className="text-faint">not told yet</span> : `${money(row.commission)} ${row.commissionCurrency ?? ""}`),
    text: (row) => row.commission ?? "",
  },
  { key: "realized", header: "Realized", width: 96, isNumber: true, cell: (row) => (row.realizedPnl === null ? NOTHING : <Pnl value={row.realizedPnl} />), text: (row) => row.realizedPnl ?? "" },
  accountColumn(),
  {
    key: "order",
    header: "Order",
    width: 60,
    cell: (row) => (
      <RoomLink to="/orders" search={{ order: row.order.id, show: "week" }}>
        open
      </RoomLink>
    ),
    text: (row) => row.order.clientOrderId,
  },
  { key: "correction", header: "Correction", width: 92, cell: (row) => (row.isCorrection ? <Status tone="warn" label="Correction" /> : NOTHING), text: (row) => (row.isCorrection ? "yes" : "") },
  { key: "liquidity", header: "Liquidity", width: 72, isExtra: true, cell: (row) => row.liquidity ?? NOTHING, text: (row) => row.liquidity ?? "" },
  { key: "executionId", header: "Execution id", width: 180, isExtra: true, cell: (row) => <span className="truncate text-soft">{row.executionId}</span>, text: (row) => row.executionId },
];
