/** What is held, long and short, by currency, sector, instrument and account, with the greeks of options. */
import { useState, type JSX } from "react";

import { Choices } from "../../../shared/page/Choices";
import { SymbolLink } from "../../../shared/page/links";
import { formatDecimal } from "../../../shared/format/decimal";
import { money } from "../../../shared/format/Pnl";
import { Answered, Section } from "../../../shared/query/Answered";
import { useAnswer } from "../../../shared/query/useAnswer";
import { Table, type Column } from "../../../shared/table/Table";
import type { Book } from "./AnalyticsTab";
import { BasisNote, Figure } from "./BasisNote";
import { EXPOSURE, type Exposed, type Exposure } from "./documents";
import { gapInWords } from "./words";

const LOOK_EVERY_MS = 15_000;
const BY = [
  ["instrument", "Instrument"],
  ["sector", "Sector"],
  ["currency", "Currency"],
  ["account", "Account"],
] as const;

interface Line {
  key: string;
  name: JSX.Element | string;
  exposure: Exposure;
}

function linesOf(exposed: Exposed, by: string): Line[] {
  switch (by) {
    case "sector":
      return exposed.bySector.map(({ name, exposure }) => ({ key: name ?? "", name: name ?? "Not named by the broker", exposure }));
    case "currency":
      return exposed.byCurrency.map(({ name, exposure }) => ({ key: name ?? "", name: name ?? "Not known", exposure }));
    case "account":
      return exposed.byAccount.map(({ account, exposure }) => ({ key: account.id, name: account.label ?? account.accountNumber, exposure }));
    default:
      return exposed.byInstrument.map(({ instrument, exposure }) => ({ key: instrument.id, name: <SymbolLink symbol={instrument.symbol} />, exposure }));
  }
}

const COLUMNS: Column<Line>[] = [
  { key: "name", header: "Of", cell: (row) => row.name },
  { key: "long", header: "Long", text: ({ exposure }) => exposure.long, isNumber: true, cell: ({ exposure }) => money(exposure.long), className: "max-sm:hidden" },
  { key: "short", header: "Short", text: ({ exposure }) => exposure.short, isNumber: true, cell: ({ exposure }) => money(exposure.short), className: "max-sm:hidden" },
  { key: "gross", header: "Gross", text: ({ exposure }) => exposure.gross, isNumber: true, cell: ({ exposure }) => money(exposure.gross) },
  { key: "net", header: "Net", text: ({ exposure }) => exposure.net, isNumber: true, cell: ({ exposure }) => formatDecimal(exposure.net, { decimals: 2, signed: true }) },
  { key: "positions", header: "Positions", isNumber: true, cell: ({ exposure }) => exposure.positions, className: "max-md:hidden" },
];

export function ExposureSection({ book }: { book: Book }): JSX.Element {
  const answer = useAnswer(EXPOSURE, { ...book, currency: null }, { everyMs: LOOK_EVERY_MS });
  const [by, setBy] = useState<string>("instrument");
  return (
    <Section title="Exposure" answer={answer} staleMs={4 * LOOK_EVERY_MS} isTable actions={<Choices label="By" options={BY} chosen={by} onChoose={setBy} />}>
      <Answered
        answer={answer}
        what="the exposure"
        empty={({ riskExposure }) => (riskExposure.basis.positions > 0 ? null : { title: "Nothing is held.", words: "Exposure stands here with the first position." })}
      >
        {({ riskExposure: exposed }) => (
          <>
            <BasisNote basis={exposed.basis} />
            <dl className="flex flex-wrap gap-x-8 gap-y-2 px-4 pb-3">
              <Figure name="Gross" value={money(exposed.total.gross)} />
              <Figure name="Net" value={formatDecimal(exposed.total.net, { decimals: 2, signed: true })} />
              <Figure name="Long" value={money(exposed.total.long)} />
              <Figure name="Short" value={money(exposed.total.short)} />
            </dl>
            <Table label={`Exposure by ${by}`} file="exposure" columns={COLUMNS} rows={linesOf(exposed, by)} rowKey={(row) => row.key} />
            {(exposed.greeks.length > 0 || exposed.unmodelled.length > 0) && <Greeks exposed={exposed} />}
          </>
        )}
      </Answered>
    </Section>
  );
}

type Greek = Exposed["greeks"][number];

const GREEKS: Column<Greek>[] = [
  { key: "underlying", header: "Options on", text: (row) => row.underlying.symbol, cell: (row) => <SymbolLink symbol={row.underlying.symbol} /> },
  { key: "delta", header: "Delta", text: (row) => row.delta, isNumber: true, cell: (row) => formatDecimal(row.delta, { decimals: 2, signed: true }) },
  { key: "gamma", header: "Gamma, for 1 %", text: (row) => row.gamma, isNumber: true, cell: (row) => formatDecimal(row.gamma, { decimals: 2, signed: true }) },
  { key: "vega", header: "Vega, for a point", text: (row) => row.vega, isNumber: true, cell: (row) => formatDecimal(row.vega, { decimals: 2, signed: true }), className: "max-sm:hidden" },
  { key: "theta", header: "Theta, for a day", text: (row) => row.theta, isNumber: true, cell: (row) => formatDecimal(row.theta, { decimals: 2, signed: true }), className: "max-sm:hidden" },
];

function Greeks({ exposed }: { exposed: Exposed }): JSX.Element {
  return (
    <>
      {exposed.greeks.length > 0 && <Table label="Greeks of options" file="greeks" columns={GREEKS} rows={exposed.greeks} rowKey={(row) => row.underlying.id} />}
      {exposed.unmodelled.length > 0 && (
        <p className="px-4 pt-2 text-small text-faint">
          Options that count with a delta of one to their own price: {exposed.unmodelled.map((each) => `${each.instrument.symbol} (${gapInWords(each.gap)})`).join(", ")}.
        </p>
      )}
    </>
  );
}
