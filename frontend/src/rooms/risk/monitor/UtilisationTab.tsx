/** How full each limit is in each account, the fullest first. */
import { useMemo, type JSX } from "react";

import { useSymbols } from "../../../shared/instrument/names";
import { usePageSearch } from "../../../shared/page/search";
import { Choices } from "../../../shared/page/Choices";
import { Empty } from "../../../shared/page/states";
import { Answered } from "../../../shared/query/Answered";
import { Stale } from "../../../shared/query/Stale";
import { useAnswer } from "../../../shared/query/useAnswer";
import { accountName, useAccountIds, useAccounts } from "../../../shared/session/accounts";
import type { LiveColumn } from "../../../shared/table/layout";
import { LiveTable } from "../../../shared/table/LiveTable";
import { Status } from "../../../shared/table/Status";
import { TableTools } from "../../../shared/table/TableTools";
import { useTable } from "../../../shared/table/useTable";
import { Toolbar } from "../Toolbar";
import { amountInWords, KINDS } from "../words";
import { UTILISATION, type Utilisation } from "./documents";
import { levelOf, ratioInWords } from "./levels";

const LOOK_EVERY_MS = 3_000;
const SHOW = [
  ["", "All"],
  ["near", "Nearly full and breached"],
] as const;

interface Row {
  key: string;
  told: Utilisation;
  account: string;
  symbol: string;
}

export function UtilisationTab({ onOpenLimit }: { onOpenLimit: (id: string) => void }): JSX.Element {
  const answer = useAnswer(UTILISATION, {}, { everyMs: LOOK_EVERY_MS });
  const accounts = useAccounts();
  const accountIds = useAccountIds();
  const [search, patch] = usePageSearch();
  const isNear = search["show"] === "near";
  const told = answer.data?.riskUtilisation;
  const symbolOf = useSymbols((told ?? []).map((each) => each.instrumentId));
  const table = useTable("risk-utilisation", COLUMNS);
  const names = useMemo(() => new Map(accounts.map((account) => [account.id, accountName(account)])), [accounts]);
  const rows: Row[] = (told ?? [])
    .filter((each) => accountIds === null || accountIds.includes(each.accountId))
    .filter((each) => !isNear || !["ok", "pending"].includes(levelOf(each).tone))
    .map((each) => ({
      key: `${each.limit.id} ${each.accountId}`,
      told: each,
      account: names.get(each.accountId) ?? "",
      symbol: symbolOf(each.instrumentId),
    }));

  return (
    <>
      <Toolbar actions={<TableTools table={table} rows={rows} />}>
        <Choices label="Which limits" options={SHOW} chosen={isNear ? "near" : ""} onChoose={(show) => patch({ show })} />
        <Stale answer={answer} limitMs={4 * LOOK_EVERY_MS} />
      </Toolbar>
      <Answered answer={answer} what="how full limits are">
        {() => (
          <LiveTable
            label="Utilisation of limits"
            table={table}
            rows={rows}
            rowKey={(row) => row.key}
            onOpen={(row) => onOpenLimit(row.told.limit.id)}
            hasKeys
            empty={
              isNear ? (
                <Empty title="Nothing is nearly full.">Every limit that is measured is within its warning.</Empty>
              ) : (
                <Empty title="No limit in force is measured.">Limits that ask about an order alone use nothing while none comes.</Empty>
              )
            }
          />
        )}
      </Answered>
    </>
  );
}

/** A bar beside its figure; the word stands in a column of its own. */
function Bar({ row }: { row: Utilisation }): JSX.Element {
  const { tone, label, filled } = levelOf(row);
  const colour = { ok: "bg-ok", warn: "bg-warn", critical: "bg-critical" }[tone as "ok"] ?? "bg-raised";
  return (
    <span className="flex w-full items-center gap-2">
      <span
        role="meter"
        aria-label={KINDS[row.limit.limitType].label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(filled)}
        aria-valuetext={`${ratioInWords(row.ratio)}, ${label}`}
        className="h-2 min-w-10 flex-1 bg-raised"
      >
        <span className={`block h-full ${colour}`} style={{ width: `${filled}%` }} />
      </span>
      <span className="w-13 shrink-0 text-right">{row.isMeasured ? ratioInWords(row.ratio) : "–"}</span>
    </span>
  );
}

const COLUMNS: readonly LiveColumn<Row>[] = [
  {
    key: "limit",
    header: "Limit",
    cell: ({ told }) => (
      <span className="truncate">
        {KINDS[told.limit.limitType].label}
        {told.limit.isShadow && <span className="text-faint"> shadow</span>}
      </span>
    ),
    text: ({ told }) => told.limit.limitType,
    width: 120,
    isCompact: true,
  },
  { key: "account", header: "Account", cell: (row) => row.account, text: (row) => row.account, width: 120 },
  { key: "symbol", header: "Instrument", cell: (row) => row.symbol, text: (row) => row.symbol, width: 90 },
  {
    key: "ratio",
    header: "Used",
    cell: ({ told }) => <Bar row={told} />,
    text: ({ told }) => (told.isMeasured ? String(told.ratio) : ""),
    width: 140,
    isCompact: true,
  },
  {
    key: "level",
    header: "State",
    cell: ({ told }) => {
      const { tone, label } = levelOf(told);
      return <Status tone={tone} label={label} />;
    },
    text: ({ told }) => levelOf(told).label,
    width: 100,
    isCompact: true,
  },
  {
    key: "used",
    header: "Amount",
    cell: ({ told }) => (told.isMeasured ? amountInWords(told.limit.limitType, told.used, null) : "–"),
    text: ({ told }) => (told.isMeasured ? told.used : ""),
    isNumber: true,
    width: 110,
  },
  {
    key: "value",
    header: "Limit value",
    cell: ({ told }) => amountInWords(told.limit.limitType, told.value, told.limit.currency),
    text: ({ told }) => told.value,
    isNumber: true,
    width: 120,
  },
  {
    key: "message",
    header: "Note",
    cell: ({ told }) => <span className="truncate text-faint" title={told.message}>{told.message}</span>,
    text: ({ told }) => told.message,
    width: 220,
  },
];
