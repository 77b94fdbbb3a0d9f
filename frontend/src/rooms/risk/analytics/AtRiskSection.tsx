/** Value at risk and expected shortfall, by the past and by normal returns; a figure that is not there says why. */
import { useState, type JSX } from "react";

import { FILTER } from "../../../shared/controls/Form";
import { formatDecimal, percent } from "../../../shared/format/decimal";
import { money, NOTHING } from "../../../shared/format/Pnl";
import { SymbolLink } from "../../../shared/page/links";
import { Answered, Section } from "../../../shared/query/Answered";
import { useAnswer } from "../../../shared/query/useAnswer";
import { Status } from "../../../shared/table/Status";
import { Table, type Column } from "../../../shared/table/Table";
import type { Book } from "./AnalyticsTab";
import { BasisNote, Figure } from "./BasisNote";
import { VALUE_AT_RISK, type AtRisk } from "./documents";
import { gapInWords } from "./words";

const LOOK_EVERY_MS = 60_000;
const CONFIDENCES = ["0.95", "0.975", "0.99"] as const;
const HORIZONS = [1, 5, 10, 20] as const;

export function AtRiskSection({ book }: { book: Book }): JSX.Element {
  const [confidence, setConfidence] = useState<string>("0.99");
  const [horizonDays, setHorizonDays] = useState(1);
  const answer = useAnswer(VALUE_AT_RISK, { ...book, currency: null, confidence, horizonDays }, { everyMs: LOOK_EVERY_MS });
  return (
    <Section
      title="Value at risk"
      answer={answer}
      staleMs={3 * LOOK_EVERY_MS}
      isTable
      actions={
        <>
          <select aria-label="Confidence" className={FILTER} value={confidence} onChange={(event) => setConfidence(event.target.value)}>
            {CONFIDENCES.map((each) => (
              <option key={each} value={each}>
                {percent(each, "1")?.replace(/\.?0+$/, "")} %
              </option>
            ))}
          </select>
          <select aria-label="Horizon" className={FILTER} value={horizonDays} onChange={(event) => setHorizonDays(Number(event.target.value))}>
            {HORIZONS.map((each) => (
              <option key={each} value={each}>
                {each === 1 ? "1 day" : `${each} days`}
              </option>
            ))}
          </select>
        </>
      }
    >
      <Answered answer={answer} what="the value at risk" empty={({ valueAtRisk }) => (valueAtRisk.basis.positions > 0 ? null : { title: "Nothing is held, nothing is at risk." })}>
        {({ valueAtRisk: told }) => <Told told={told} />}
      </Answered>
    </Section>
  );
}

function Told({ told }: { told: AtRisk }): JSX.Element {
  const { historical, parametric } = told;
  const share = percent(told.coveredGross, told.gross);
  return (
    <>
      <BasisNote basis={told.basis} isBrief />
      <dl className="flex flex-wrap gap-x-8 gap-y-2 px-4 pb-2">
        <Figure name="Historical value at risk" value={historical.valueAtRisk && money(historical.valueAtRisk)} reason={historical.reason} />
        {historical.expectedShortfall !== null && <Figure name="Historical expected shortfall" value={money(historical.expectedShortfall)} />}
        <Figure name="Parametric value at risk" value={parametric.valueAtRisk && money(parametric.valueAtRisk)} reason={parametric.reason} />
        {parametric.expectedShortfall !== null && <Figure name="Parametric expected shortfall" value={money(parametric.expectedShortfall)} />}
      </dl>
      <div className="flex flex-col gap-0.5 px-4 pb-2 text-small text-faint">
        <p>
          {told.observations} daily returns{told.firstDay !== null && `, ${told.firstDay} to ${told.lastDay}`}
          {told.carriedForward > 0 && `, ${told.carriedForward} closes carried forward`}; about {share ?? "0"} % of what is held
        </p>
        {told.uncovered.length > 0 && (
          <p className="flex">
            <Status tone="warn" label={`In no figure: ${told.uncovered.map((each) => `${each.instrument.symbol} (${gapInWords(each.gap)})`).join(", ")}.`} />
          </p>
        )}
        {told.constantCurrencies.length > 0 && <p>As if its rate never moved: {told.constantCurrencies.join(", ")}.</p>}
      </div>
      {told.contributions.length > 0 && <Table label="What each position adds to the value at risk" file="value-at-risk" columns={COLUMNS} rows={told.contributions} rowKey={(row) => row.instrument.id} />}
    </>
  );
}

type Contribution = AtRisk["contributions"][number];

function signed(value: string | null): JSX.Element | string {
  return value === null ? NOTHING : formatDecimal(value, { decimals: 2, signed: true });
}

const COLUMNS: Column<Contribution>[] = [
  { key: "symbol", header: "Position", text: (row) => row.instrument.symbol, cell: (row) => <SymbolLink symbol={row.instrument.symbol} /> },
  { key: "value", header: "Value", text: (row) => row.value, isNumber: true, cell: (row) => money(row.value) },
  { key: "component", header: "Adds to the value at risk", text: (row) => row.componentValueAtRisk, isNumber: true, cell: (row) => signed(row.componentValueAtRisk) },
  { key: "shortfall", header: "Adds to the shortfall", text: (row) => row.componentExpectedShortfall, isNumber: true, cell: (row) => signed(row.componentExpectedShortfall), className: "max-sm:hidden" },
  {
    key: "marginal",
    header: "For one more unit of money",
    text: (row) => row.marginalValueAtRisk,
    isNumber: true,
    cell: (row) => (row.marginalValueAtRisk === null ? NOTHING : formatDecimal(row.marginalValueAtRisk, { decimals: 4 })),
    className: "max-md:hidden",
  },
];
