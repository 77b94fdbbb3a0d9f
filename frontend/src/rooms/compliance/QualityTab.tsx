/** How well orders were executed, put together as one likes. */
import { useState, type JSX } from "react";

import { FILTER } from "../../shared/controls/Form";
import { formatDecimal } from "../../shared/format/decimal";
import { formatEnum } from "../../shared/format/time";
import { money } from "../../shared/format/Pnl";
import { usePageSearch } from "../../shared/page/search";
import { Empty } from "../../shared/page/states";
import { Answered } from "../../shared/query/Answered";
import { Stale } from "../../shared/query/Stale";
import { useAnswer } from "../../shared/query/useAnswer";
import { accountName, useAccounts } from "../../shared/session/accounts";
import type { LiveColumn } from "../../shared/table/layout";
import { LiveTable } from "../../shared/table/LiveTable";
import { TableTools } from "../../shared/table/TableTools";
import { useTable } from "../../shared/table/useTable";
import { Toolbar } from "../risk/Toolbar";
import { QUALITY, type Quality } from "./documents";
import { AccountFilter, DaysFilter } from "./Filters";
import { bpsInWords, dayBefore, rateInWords, secondsInWords, spanOf } from "./words";

const GROUPS = [
  ["INSTRUMENT", "Instrument"],
  ["ACCOUNT", "Account"],
  ["ORDER_TYPE", "Order type"],
  ["ROUTE", "Route"],
] as const;
const DAYS = 7;

interface Row {
  key: string;
  told: Quality;
  account: string;
}

export function QualityTab(): JSX.Element {
  const [search, patch] = usePageSearch();
  const [today] = useState(() => dayBefore(0));
  const [first] = useState(() => dayBefore(DAYS));
  const from = search["from"] ?? first;
  const to = search["to"] ?? today;
  const group = GROUPS.find(([name]) => name === search["group"])?.[0] ?? "INSTRUMENT";
  const accounts = useAccounts();
  const answer = useAnswer(QUALITY, { ...spanOf(from, to), accountId: search["account"] ?? null, groupBy: [group] });
  const table = useTable("execution-quality", COLUMNS);
  const rows: Row[] = (answer.data?.executionQuality ?? []).map((told) => {
    const account = accounts.find((each) => each.id === told.accountId);
    return { key: [told.accountId, told.instrumentId, told.orderType, told.route, told.currency].join(" "), told, account: account ? accountName(account) : "" };
  });
  return (
    <>
      <Toolbar actions={<TableTools table={table} rows={rows} />}>
        <DaysFilter from={from} to={to} />
        <select aria-label="Put together by" className={FILTER} value={group} onChange={(event) => patch({ group: event.target.value })}>
          {GROUPS.map(([name, label]) => (
            <option key={name} value={name}>
              By {label.toLowerCase()}
            </option>
          ))}
        </select>
        <AccountFilter />
        <Stale answer={answer} />
      </Toolbar>
      <Answered answer={answer} what="the execution quality">
        {() => (
          <LiveTable
            label="Execution quality"
            table={table}
            rows={rows}
            rowKey={(row) => row.key}
            hasKeys
            empty={<Empty title="No orders in these days.">What never left, and what was placed outside, is left out.</Empty>}
          />
        )}
      </Answered>
    </>
  );
}

function nameOf({ told, account }: Row): string {
  if (told.symbol !== null) return told.symbol;
  if (told.orderType !== null) return formatEnum(told.orderType);
  return told.accountId === null ? (told.route ?? "No exchange named") : account;
}

const COLUMNS: readonly LiveColumn<Row>[] = [
  { key: "name", header: "Of", cell: nameOf, text: nameOf, width: 130, isCompact: true },
  { key: "currency", header: "Currency", cell: ({ told }) => told.currency, text: ({ told }) => told.currency, width: 70 },
  { key: "orders", header: "Orders", cell: ({ told }) => told.orders, text: ({ told }) => String(told.orders), isNumber: true, width: 70 },
  { key: "fillRate", header: "Filled", cell: ({ told }) => rateInWords(told.fillRate), text: ({ told }) => told.fillRate, isNumber: true, width: 80, isCompact: true },
  { key: "measured", header: "Measured", cell: ({ told }) => told.measured, text: ({ told }) => String(told.measured), isNumber: true, width: 80 },
  { key: "arrival", header: "Slippage, bps", cell: ({ told }) => bpsInWords(told.arrivalSlippageBps), text: ({ told }) => told.arrivalSlippageBps ?? "", isNumber: true, width: 100, isCompact: true },
  { key: "mid", header: "Against the middle", cell: ({ told }) => bpsInWords(told.midSlippageBps), text: ({ told }) => told.midSlippageBps ?? "", isNumber: true, width: 120 },
  { key: "spread", header: "Effective spread", cell: ({ told }) => bpsInWords(told.effectiveSpreadBps), text: ({ told }) => told.effectiveSpreadBps ?? "", isNumber: true, width: 110 },
  { key: "cost", header: "Paid", cell: ({ told }) => (told.cost === null ? "–" : money(told.cost)), text: ({ told }) => told.cost ?? "", isNumber: true, width: 100 },
  { key: "first", header: "To first fill", cell: ({ told }) => secondsInWords(told.medianSecondsToFirstFill), text: ({ told }) => String(told.medianSecondsToFirstFill ?? ""), isNumber: true, width: 90 },
  { key: "last", header: "To last fill", cell: ({ told }) => secondsInWords(told.medianSecondsToLastFill), text: ({ told }) => String(told.medianSecondsToLastFill ?? ""), isNumber: true, width: 90 },
  { key: "quantity", header: "Quantity dealt", cell: ({ told }) => formatDecimal(told.filledQuantity), text: ({ told }) => told.filledQuantity, isNumber: true, width: 110 },
];
