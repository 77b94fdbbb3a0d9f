/** How much hangs on single names, and what moves together. */
import type { JSX } from "react";

import { formatDecimal } from "../../../shared/format/decimal";
import { money } from "../../../shared/format/Pnl";
import { SymbolLink } from "../../../shared/page/links";
import { Answered, Section } from "../../../shared/query/Answered";
import { useAnswer } from "../../../shared/query/useAnswer";
import { Table, type Column } from "../../../shared/table/Table";
import type { Book } from "./AnalyticsTab";
import { BasisNote } from "./BasisNote";
import { CONCENTRATION, CORRELATIONS, type Concentrated, type Correlated } from "./documents";
import { gapInWords, shareInWords, strengthOf } from "./words";

const LOOK_EVERY_MS = 60_000;

interface FigureLine {
  name: string;
  figures: Concentrated["byInstrument"];
}

const FIGURES: Column<FigureLine>[] = [
  { key: "name", header: "By", cell: (row) => row.name },
  { key: "largest", header: "Largest share", isNumber: true, cell: ({ figures }) => shareInWords(figures.largestShare) },
  { key: "names", header: "Names", isNumber: true, cell: ({ figures }) => figures.names },
  { key: "effective", header: "As so many equal ones", isNumber: true, cell: ({ figures }) => (figures.effectiveNames === null ? "–" : formatDecimal(figures.effectiveNames, { decimals: 2 })) },
  { key: "herfindahl", header: "Herfindahl", isNumber: true, cell: ({ figures }) => (figures.herfindahl === null ? "–" : formatDecimal(figures.herfindahl, { decimals: 4 })), className: "max-sm:hidden" },
];

const SHARES: Column<Concentrated["instruments"][number]>[] = [
  { key: "symbol", header: "The largest", cell: (row) => <SymbolLink symbol={row.instrument.symbol} /> },
  { key: "value", header: "Value", isNumber: true, cell: (row) => money(row.value) },
  { key: "share", header: "Share", isNumber: true, cell: (row) => shareInWords(row.share) },
];

export function ConcentrationSection({ book }: { book: Book }): JSX.Element {
  const answer = useAnswer(CONCENTRATION, { ...book, currency: null }, { everyMs: LOOK_EVERY_MS });
  return (
    <Section title="Concentration" answer={answer} staleMs={3 * LOOK_EVERY_MS} isTable>
      <Answered answer={answer} what="the concentration" empty={({ concentration }) => (concentration.basis.positions > 0 ? null : { title: "Nothing is held." })}>
        {({ concentration: told }) => (
          <>
            <BasisNote basis={told.basis} isBrief />
            <div className="grid gap-4 lg:grid-cols-2">
              <Table
                label="Concentration"
                columns={FIGURES}
                rows={[
                  { name: "Instrument", figures: told.byInstrument },
                  { name: "Sector", figures: told.bySector },
                  { name: "Currency", figures: told.byCurrency },
                ]}
                rowKey={(row) => row.name}
              />
              <Table label="The largest shares" columns={SHARES} rows={told.instruments} rowKey={(row) => row.instrument.id} />
            </div>
          </>
        )}
      </Answered>
    </Section>
  );
}

export function CorrelationSection({ book }: { book: Book }): JSX.Element {
  const answer = useAnswer(CORRELATIONS, { ...book }, { everyMs: LOOK_EVERY_MS });
  return (
    <Section title="Correlations" answer={answer} staleMs={3 * LOOK_EVERY_MS} isTable>
      <Answered
        answer={answer}
        what="the correlations"
        empty={({ correlations }) => (correlations.rows.length > 0 ? null : { title: "No correlations.", words: correlations.reason ?? "Fewer than two instruments are held." })}
      >
        {({ correlations }) => <Matrix told={correlations} />}
      </Answered>
      {answer.data !== null && answer.data.correlations.leftOut.length > 0 && (
        <p className="px-4 pt-2 text-small text-faint">
          Left out: {answer.data.correlations.leftOut.map((each) => `${each.instrument.symbol} (${gapInWords(each.gap)})`).join(", ")}.
        </p>
      )}
    </Section>
  );
}

function Matrix({ told }: { told: Correlated }): JSX.Element {
  return (
    <>
      <p className="px-4 pb-1 text-small text-faint">Of {told.observations} daily returns, each in its own currency.</p>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a scrolling region must be reachable by keyboard */}
      <section aria-label="Correlations of returns" tabIndex={0} className="overflow-auto px-4">
        <table className="border-collapse text-small">
          <thead>
            <tr>
              <th scope="col">
                <span className="sr-only">Instrument</span>
              </th>
              {told.rows.map(({ instrument }) => (
                <th key={instrument.id} scope="col" className="px-2 py-0.5 text-right font-medium text-faint">
                  {instrument.symbol}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {told.rows.map(({ instrument, values }) => (
              <tr key={instrument.id}>
                <th scope="row" className="pr-3 text-left font-medium">
                  {instrument.symbol}
                </th>
                {values.map((value, index) => {
                  const { side, percent } = strengthOf(value);
                  return (
                    <td
                      key={told.rows[index]?.instrument.id ?? index}
                      className="border border-line px-2 py-0.5 text-right"
                      style={{ background: `color-mix(in srgb, var(--${side}) ${percent}%, transparent)` }}
                    >
                      {value === null ? <span title="It did not move">–</span> : formatDecimal(value, { decimals: 2, signed: true })}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}
