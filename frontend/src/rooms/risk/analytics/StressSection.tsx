/** What is held against falls of the past and shocks of one's own. */
import { useState, type FormEvent, type JSX } from "react";

import { Pnl } from "../../../shared/format/Pnl";
import { formatDecimal, multiply } from "../../../shared/format/decimal";
import type { VariablesOf } from "../../../shared/graphql/document";
import { Answered, Section } from "../../../shared/query/Answered";
import { useAnswer } from "../../../shared/query/useAnswer";
import { Table, type Column } from "../../../shared/table/Table";
import type { Book } from "./AnalyticsTab";
import { BasisNote } from "./BasisNote";
import { STRESS, type Stressed } from "./documents";
import { shockOf } from "./words";

const PAST = ["BLACK_MONDAY_1987", "DOT_COM_2000", "SEPTEMBER_2001", "LEHMAN_2008", "COVID_2020", "RATES_2022"] as const;
const OWN_MAX = 10;

type Scenario = NonNullable<VariablesOf<typeof STRESS>["scenarios"]>[number];

export function StressSection({ book }: { book: Book }): JSX.Element {
  const [own, setOwn] = useState<readonly Scenario[]>([]);
  const [problem, setProblem] = useState<string | null>(null);
  const answer = useAnswer(STRESS, { ...book, currency: null, scenarios: [...own], past: [...PAST] });

  function add(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const priceShock = shockOf(String(form.get("price")));
    const volatilityShock = shockOf(String(form.get("volatility") || "0"));
    if (priceShock === null || volatilityShock === null) {
      setProblem("Shocks are percent, such as -20.");
      return;
    }
    const name = `Prices ${formatDecimal(multiply(priceShock, "100"), { signed: true })} %, volatility ${formatDecimal(multiply(volatilityShock, "100"), { signed: true })} %`;
    setProblem(own.some((each) => each.name === name) ? "That one is there." : null);
    if (!own.some((each) => each.name === name)) setOwn([...own, { name, priceShock, volatilityShock }].slice(-OWN_MAX));
  }

  return (
    <Section
      title="Stress"
      answer={answer}
      isTable
      about="Falls of the past let every price fall as the S&P 500 did, and volatility move as the VIX did."
      actions={
        <form onSubmit={add} className="flex flex-wrap items-center gap-2">
          <input name="price" aria-label="Shock of prices, percent" placeholder="Prices %" inputMode="decimal" className="input w-22" required />
          <input name="volatility" aria-label="Shock of volatility, percent" placeholder="Volatility %" inputMode="decimal" className="input w-26" />
          <button type="submit" className="control">
            Add scenario
          </button>
          <span role="alert" className="text-small text-critical empty:hidden">
            {problem}
          </span>
        </form>
      }
    >
      <Answered answer={answer} what="the stress test" empty={({ stressTest }) => (stressTest.basis.positions > 0 ? null : { title: "Nothing is held, no scenario moves it." })}>
        {({ stressTest }) => (
          <>
            <BasisNote basis={stressTest.basis} isBrief />
            <Table label="Stress" file="stress" columns={COLUMNS} rows={stressTest.outcomes} rowKey={(row) => row.name} />
          </>
        )}
      </Answered>
    </Section>
  );
}

const COLUMNS: Column<Stressed>[] = [
  { key: "name", header: "Scenario", text: (row) => row.name, cell: (row) => <span title={row.source ?? undefined}>{row.name}</span> },
  { key: "price", header: "Prices", text: (row) => row.priceShock, isNumber: true, cell: (row) => `${formatDecimal(multiply(row.priceShock, "100"), { decimals: 2, signed: true })} %`, className: "max-sm:hidden" },
  { key: "volatility", header: "Volatility", text: (row) => row.volatilityShock, isNumber: true, cell: (row) => `${formatDecimal(multiply(row.volatilityShock, "100"), { decimals: 2, signed: true })} %`, className: "max-md:hidden" },
  { key: "pnl", header: "Result", text: (row) => row.pnl, isNumber: true, cell: (row) => <Pnl value={row.pnl} /> },
  {
    key: "most",
    header: "Most of it from",
    text: (row) => row.positions.map((each) => each.instrument.symbol).join(" "),
    cell: (row) => <span className="text-faint">{row.positions.map((each) => each.instrument.symbol).join(", ")}</span>,
    className: "max-md:hidden",
  },
];
