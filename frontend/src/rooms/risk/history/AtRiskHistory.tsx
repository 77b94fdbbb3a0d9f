/** What was at risk at the end of each day, what the next one brought, and how often that was worse. */
import { useMemo, useState, type JSX } from "react";

import { LineChart } from "../../../shared/chart/LineChart";
import { FILTER } from "../../../shared/controls/Form";
import { percent } from "../../../shared/format/decimal";
import { money, NOTHING, Pnl } from "../../../shared/format/Pnl";
import { Empty } from "../../../shared/page/states";
import { Answered, Section } from "../../../shared/query/Answered";
import { useAnswer } from "../../../shared/query/useAnswer";
import { accountName, modeOf, MODES, useChosenAccounts, type Mode } from "../../../shared/session/accounts";
import type { DeskAccount } from "../../../shared/session/documents";
import { Status } from "../../../shared/table/Status";
import { Table, type Column } from "../../../shared/table/Table";
import { atRiskLines, dayAfter, gapOfDay, stoodInWords } from "./curves";
import { AT_RISK_HISTORY, type AtRiskDay, type AtRiskHistory as Told } from "./documents";

const LOOK_EVERY_MS = 300_000;
const DAYS_SHOWN = 250;
const ROWS_SHOWN = 10;

interface Series {
  key: string;
  label: string;
  accountId: string | null;
  mode: Mode;
  currency: string;
}

/** All accounts of each mode and currency, which are never added up, and each account by itself. */
function seriesOf(accounts: readonly DeskAccount[]): readonly Series[] {
  const wholes = new Map<string, Series>();
  for (const account of accounts.toSorted((left, right) => MODES.indexOf(modeOf(left)) - MODES.indexOf(modeOf(right)))) {
    const [mode, currency] = [modeOf(account), account.baseCurrency];
    const key = `${mode} ${currency}`;
    wholes.set(key, { key, label: `All ${mode}, ${currency}`, accountId: null, mode, currency });
  }
  const own = accounts.map((account) => ({
    key: account.id,
    label: `${accountName(account)} ${modeOf(account)}`,
    accountId: account.id,
    mode: modeOf(account),
    currency: account.baseCurrency,
  }));
  return own.length === 1 ? own : [...wholes.values(), ...own];
}

export function AtRiskHistory(): JSX.Element {
  const accounts = useChosenAccounts();
  const every = useMemo(() => seriesOf(accounts), [accounts]);
  const [chosen, setChosen] = useState("");
  const series = every.find((each) => each.key === chosen) ?? every[0];
  const asked = { accountId: series?.accountId ?? null, mode: series?.mode ?? null, currency: series?.currency ?? null };
  const answer = useAnswer(AT_RISK_HISTORY, { ...asked, first: DAYS_SHOWN }, { everyMs: LOOK_EVERY_MS, isWanted: series !== undefined });
  return (
    <Section
      title="Value at risk over time"
      answer={answer}
      staleMs={3 * LOOK_EVERY_MS}
      isTable
      actions={
        every.length > 1 && (
          <select aria-label="Days of" className={FILTER} value={series?.key ?? ""} onChange={(event) => setChosen(event.target.value)}>
            {every.map((each) => (
              <option key={each.key} value={each.key}>
                {each.label}
              </option>
            ))}
          </select>
        )
      }
    >
      {series === undefined ? (
        <Empty title="No account is on screen." />
      ) : (
        <Answered
          answer={answer}
          what="the value at risk over time"
          empty={({ valueAtRiskHistory }) =>
            valueAtRiskHistory.edges.length > 0 ? null : { title: "No day has ended yet.", words: "What is at risk is kept at the end of each trading day; nobody can ask for a day of the past." }
          }
        >
          {({ valueAtRiskHistory: told }) => <Days told={told} currency={series.currency} />}
        </Answered>
      )}
    </Section>
  );
}

function Days({ told, currency }: { told: Told; currency: string }): JSX.Element {
  const days = useMemo(() => told.edges.map((edge) => edge.node), [told]);
  const lines = useMemo(() => atRiskLines(days), [days]);
  const [newest] = days;
  const stood = told.backtests[0];
  const confidence = newest && percent(newest.confidence, "1")?.replace(/\.?0+$/, "");
  return (
    <>
      <div className="h-56">
        <LineChart label={`Value at risk of ${days.length} days and what each next one brought, in ${currency}`} lines={lines} />
      </div>
      <div className="flex flex-col gap-0.5 px-4 py-2 text-small text-faint">
        <p>
          At {confidence} % over one day, in {currency}: below zero, what a day was said to lose at most at the close before it.
        </p>
        {stood && (
          <>
            <p>{stoodInWords("Historical", stood.historical)}</p>
            <p>{stoodInWords("Parametric", stood.parametric)}</p>
          </>
        )}
      </div>
      <Table label="What was at risk at the end of each day" columns={COLUMNS} rows={days.slice(0, ROWS_SHOWN)} rowKey={(row) => row.day} />
    </>
  );
}

const COLUMNS: readonly Column<AtRiskDay>[] = [
  { key: "day", header: "Close of", cell: (row) => row.day },
  { key: "historical", header: "Historical", isNumber: true, cell: (row) => figure(row.historical.valueAtRisk) },
  { key: "shortfall", header: "Shortfall", isNumber: true, cell: (row) => figure(row.historical.expectedShortfall), className: "max-md:hidden" },
  { key: "parametric", header: "Parametric", isNumber: true, cell: (row) => figure(row.parametric.valueAtRisk), className: "max-sm:hidden" },
  { key: "gross", header: "Held", isNumber: true, cell: (row) => money(row.gross), className: "max-md:hidden" },
  { key: "next", header: "The next day brought", isNumber: true, cell: (row) => (row.nextDayPnl === null ? NOTHING : <Pnl value={row.nextDayPnl} />) },
  { key: "note", header: "Note", cell: (row) => <Note row={row} /> },
];

function figure(value: string | null): JSX.Element | string {
  return value === null ? NOTHING : money(value);
}

function Note({ row }: { row: AtRiskDay }): JSX.Element | null {
  const gap = gapOfDay(row);
  if (row.isHistoricalException) return <Status tone="critical" label={`More was lost on ${dayAfter(row.day)}`} />;
  return gap === null ? null : <Status tone="warn" label={gap} />;
}
