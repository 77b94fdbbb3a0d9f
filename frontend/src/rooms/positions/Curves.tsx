/** Result, equity and drawdown of one account over time, and the day by instrument. */
import { useEffect, useMemo, useState, type JSX } from "react";

import { LineChart, type ChartLine } from "../../shared/chart/LineChart";
import { money, Pnl } from "../../shared/format/Pnl";
import { client } from "../../shared/graphql/client";
import type { ResultOf } from "../../shared/graphql/document";
import { describeFailure } from "../../shared/graphql/failure";
import { Choices } from "../../shared/page/Choices";
import { usePageSearch } from "../../shared/page/search";
import { SymbolLink } from "../../shared/page/links";
import { Empty, Failed, Loading } from "../../shared/page/states";
import { accountName, modeOf, useChosenAccounts } from "../../shared/session/accounts";
import { Table, type Column } from "../../shared/table/Table";
import { DAY_BY_INSTRUMENT, PNL_HISTORY, type PnlPoint } from "./documents";

const SPANS = [
  ["1", "Day"],
  ["7", "Week"],
  ["30", "Month"],
  ["365", "Year"],
] as const;
const CURVES = [
  ["net", "P&L"],
  ["equity", "Equity"],
  ["drawdown", "Drawdown"],
] as const;
type Curve = (typeof CURVES)[number][0];

const DAY_MS = 86_400_000;
const AGAIN_MS = 60_000;

type Day = ResultOf<typeof DAY_BY_INSTRUMENT>["pnlToday"];
type DayRow = Day["byInstrument"][number];

const DAY_COLUMNS: readonly Column<DayRow>[] = [
  { key: "symbol", header: "Symbol", cell: (row) => <SymbolLink symbol={row.instrument.symbol} /> },
  { key: "realized", header: "Realized", isNumber: true, cell: (row) => <Pnl value={row.realized} /> },
  { key: "unrealized", header: "Unrealized", isNumber: true, cell: (row) => <Pnl value={row.unrealized} /> },
  { key: "commission", header: "Commission", isNumber: true, className: "max-sm:hidden", cell: (row) => money(row.commission) },
  { key: "net", header: "Net", isNumber: true, cell: (row) => <Pnl value={row.net} /> },
];

interface Told {
  points: readonly PnlPoint[];
  day: Day | null;
}

/** An account at a time: results of different currencies or modes are never added together. */
export function Curves(): JSX.Element {
  const [search, patch] = usePageSearch();
  const chosen = useChosenAccounts();
  const account = chosen.find((each) => each.id === search["account"]) ?? chosen[0];
  const days = SPANS.find(([value]) => value === search["span"])?.[0] ?? "1";
  const curve: Curve = CURVES.find(([value]) => value === search["curve"])?.[0] ?? "net";
  const [told, setTold] = useState<Told | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const accountId = account?.id;

  useEffect(() => {
    setTold(null);
    if (accountId === undefined) return;
    let isOver = false;
    async function ask(): Promise<void> {
      const end = Date.now();
      const range = { start: new Date(end - Number(days) * DAY_MS).toISOString(), end: new Date(end).toISOString() };
      const [history, today] = await Promise.all([
        client.query(PNL_HISTORY, { ...range, accountId: accountId as string }).toPromise(),
        client.query(DAY_BY_INSTRUMENT, { accountId: accountId as string }).toPromise(),
      ]);
      if (isOver) return;
      if (history.error) setFailure(describeFailure(history.error));
      else {
        setFailure(null);
        setTold({ points: history.data?.pnlHistory ?? [], day: today.data?.pnlToday ?? null });
      }
    }
    void ask();
    const timer = setInterval(() => void ask(), AGAIN_MS);
    return () => {
      isOver = true;
      clearInterval(timer);
    };
  }, [accountId, days]);

  const lines = useMemo((): readonly ChartLine[] => linesOf(told?.points ?? [], curve), [told, curve]);

  if (account === undefined) return <Empty title="No account is on screen." />;
  return (
    <section aria-label="Result over time" className="shrink-0">
      <div className="flex min-h-9 flex-wrap items-center gap-2 px-4 py-1">
        {chosen.length > 1 && (
          <select aria-label="Account of the curves" className="input" value={account.id} onChange={(event) => patch({ account: event.target.value })}>
            {chosen.map((each) => (
              <option key={each.id} value={each.id}>
                {accountName(each)} {modeOf(each)}
              </option>
            ))}
          </select>
        )}
        <Choices label="Curve" options={CURVES} chosen={curve} onChoose={(next) => patch({ curve: next })} />
        <Choices label="Span" options={SPANS} chosen={days} onChoose={(next) => patch({ span: next })} />
        <span className="ml-auto text-small text-faint">
          {accountName(account)}, {account.baseCurrency}
        </span>
      </div>
      <div className="grid gap-px border-t border-line bg-line lg:grid-cols-[minmax(0,1fr)_440px]">
        <div className="h-56 bg-surface">
          {failure !== null ? (
            <Failed message={failure} />
          ) : told === null ? (
            <Loading />
          ) : told.points.length === 0 ? (
            <Empty title="No snapshot yet.">One is taken every minute; the curve begins with the first.</Empty>
          ) : (
            <LineChart label={summary(told.points, curve, account.baseCurrency)} lines={lines} />
          )}
        </div>
        <div className="flex h-56 min-h-0 flex-col bg-surface max-lg:h-auto max-lg:max-h-56">
          {told?.day === null ? (
            <Empty title="The day's result cannot be told.">An exchange rate is missing.</Empty>
          ) : told && told.day.byInstrument.length === 0 ? (
            <Empty title="Nothing was dealt or held today." />
          ) : told ? (
            <Table label="Today by instrument" columns={DAY_COLUMNS} rows={told.day.byInstrument} rowKey={(row) => row.instrument.id} />
          ) : (
            <Loading />
          )}
        </div>
      </div>
    </section>
  );
}

function linesOf(points: readonly PnlPoint[], curve: Curve): readonly ChartLine[] {
  const of = (name: Curve | "realized" | "unrealized") => points.map((point) => ({ at: point.at, value: point[name] }));
  if (curve === "equity") return [{ name: "Equity", colour: "accent", points: of("equity") }];
  if (curve === "drawdown") return [{ name: "Drawdown", colour: "loss", points: of("drawdown") }];
  return [
    { name: "Realized", colour: "faint", points: of("realized") },
    { name: "Net", colour: "accent", points: of("net") },
  ];
}

function summary(points: readonly PnlPoint[], curve: Curve, currency: string): string {
  const [first, last] = [points[0], points.at(-1)];
  const name = CURVES.find(([value]) => value === curve)?.[1] ?? "";
  return first && last ? `${name} from ${money(first[curve])} to ${money(last[curve])} ${currency}` : name;
}
