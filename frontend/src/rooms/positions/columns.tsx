import { formatDecimal, signOf } from "../../shared/format/decimal";
import { money, NOTHING, Pnl } from "../../shared/format/Pnl";
import { formatTime } from "../../shared/format/time";
import { SymbolLink } from "../../shared/page/links";
import { accountColumn } from "../../shared/session/accountColumn";
import type { LiveColumn } from "../../shared/table/layout";
import { price } from "../orders/columns";
import type { Position } from "./documents";

const AVERAGE_DECIMALS_MORE = 2;

export const POSITION_COLUMNS: readonly LiveColumn<Position>[] = [
  { key: "symbol", header: "Symbol", width: 84, isCompact: true, cell: (row) => <SymbolLink symbol={row.instrument.symbol} />, text: (row) => row.instrument.symbol },
  { key: "quantity", header: "Quantity", width: 84, isNumber: true, isCompact: true, cell: (row) => formatDecimal(row.quantity), text: (row) => row.quantity },
  { key: "average", header: "Average", width: 92, isNumber: true, cell: (row) => price(row.averagePrice, row.instrument.tickSize, AVERAGE_DECIMALS_MORE), text: (row) => row.averagePrice },
  { key: "market", header: "Market", width: 84, isNumber: true, isCompact: true, cell: (row) => price(row.marketPrice, row.instrument.tickSize), text: (row) => row.marketPrice ?? "" },
  { key: "value", header: "Value", width: 104, isNumber: true, cell: (row) => money(row.marketValue), text: (row) => row.marketValue },
  { key: "currency", header: "Currency", width: 64, cell: (row) => row.currency, text: (row) => row.currency },
  { key: "unrealized", header: "Unrealized", width: 104, isNumber: true, isCompact: true, cell: (row) => <Pnl value={row.unrealizedPnl} />, text: (row) => row.unrealizedPnl },
  { key: "realized", header: "Realized", width: 104, isNumber: true, cell: (row) => <Pnl value={row.realizedPnl} />, text: (row) => row.realizedPnl },
  {
    key: "base",
    header: "Unrealized, base",
    width: 120,
    isNumber: true,
    isExtra: true,
    cell: (row) =>
      row.unrealizedPnlBase === null ? (
        NOTHING
      ) : (
        <>
          <Pnl value={row.unrealizedPnlBase} /> <span className="pl-1 text-faint">{row.baseCurrency}</span>
        </>
      ),
    text: (row) => row.unrealizedPnlBase ?? "",
  },
  { key: "openBuy", header: "Open buys", width: 80, isNumber: true, isExtra: true, cell: (row) => (signOf(row.openBuyQuantity) === 0 ? NOTHING : formatDecimal(row.openBuyQuantity)), text: (row) => row.openBuyQuantity },
  { key: "openSell", header: "Open sells", width: 80, isNumber: true, isExtra: true, cell: (row) => (signOf(row.openSellQuantity) === 0 ? NOTHING : formatDecimal(row.openSellQuantity)), text: (row) => row.openSellQuantity },
  accountColumn(),
  { key: "updated", header: "Updated", width: 84, isExtra: true, cell: (row) => <span className="text-soft">{formatTime(row.updatedAt)}</span>, text: (row) => row.updatedAt },
];
