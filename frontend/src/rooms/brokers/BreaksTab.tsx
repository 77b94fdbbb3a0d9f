/** The ledger of differences between our books and the brokers': evidence, and how each ended. */
import { useState, type JSX } from "react";

import { formatDecimal, signOf } from "../../shared/format/decimal";
import { formatTime } from "../../shared/format/time";
import { usePageSearch } from "../../shared/page/search";
import { Answered, Section } from "../../shared/query/Answered";
import { More } from "../../shared/query/More";
import { pageOfConnection, usePages } from "../../shared/query/usePages";
import { FILTER } from "../../shared/controls/Form";
import { Status } from "../../shared/table/Status";
import { Table, type Column } from "../../shared/table/Table";
import { AccountFilter, numberOf, useAccountFilter } from "./AccountFilter";
import { BreakDialog } from "./BreakDialog";
import { BREAKS, type Account, type Break } from "./documents";
import { ageInWords, breakState, kindInWords, SEVERITY } from "./words";

const PAGE = 50;
const LOOK_EVERY_MS = 10_000;

export function BreaksTab({ accounts }: { accounts: readonly Account[] }): JSX.Element {
  const accountId = useAccountFilter();
  const [search, patch] = usePageSearch();
  const shown = search["show"] ?? "open";
  const isOpen = shown === "all" ? null : shown === "open";
  const pages = usePages(
    BREAKS,
    { accountId, isOpen, kinds: null, first: PAGE },
    { pageOf: (data) => pageOfConnection(data.reconciliationBreaks), everyMs: LOOK_EVERY_MS },
  );
  const [looking, setLooking] = useState<Break | null>(null);
  return (
    <Section
      title="Breaks"
      about="A difference is one break, from the comparison that found it to its end. It ends when a person resolves it, or when a later look does not find it."
      answer={pages}
      staleMs={3 * LOOK_EVERY_MS}
      isTable
      actions={
        <>
          <select aria-label="Which breaks" value={shown} onChange={(event) => patch({ show: event.target.value })} className={FILTER}>
            <option value="open">Open</option>
            <option value="ended">Ended</option>
            <option value="all">All</option>
          </select>
          <AccountFilter accounts={accounts} />
        </>
      }
    >
      <Answered
        answer={pages}
        what="the breaks"
        empty={({ rows }) =>
          rows.length > 0
            ? null
            : shown === "open"
              ? { title: "No break is open.", words: "Our books agree with the brokers' as far as they were compared." }
              : { title: "No breaks." }
        }
      >
        {({ rows }) => (
          <>
            <Table label="Breaks" file="breaks" columns={breakColumns(accounts, setLooking)} rows={rows} rowKey={(row) => row.id} />
            <More pages={pages} what="breaks" />
          </>
        )}
      </Answered>
      {looking && (
        <BreakDialog
          one={looking}
          account={numberOf(accounts, looking.accountId)}
          onChanged={pages.reload}
          onClose={() => setLooking(null)}
        />
      )}
    </Section>
  );
}

export function differenceOf({ difference }: Pick<Break, "difference">): string {
  if (difference === "") return "";
  try {
    return signOf(difference) === 0 ? "0" : formatDecimal(difference, { signed: true });
  } catch {
    return difference;
  }
}

function breakColumns(accounts: readonly Account[], onLook: (one: Break) => void): Column<Break>[] {
  return [
    { key: "severity", header: "Severity", text: (row) => row.severity, cell: (row) => <Status {...SEVERITY[row.severity]} />, className: "max-sm:hidden" },
    {
      key: "kind",
      header: "What",
      text: (row) => row.kind,
      cell: (row) => (
        <button type="button" onClick={() => onLook(row)} className="text-accent underline-offset-2 hover:underline">
          {kindInWords(row.kind).label}
        </button>
      ),
    },
    { key: "instrument", header: "Instrument", cell: (row) => row.instrument?.symbol ?? "" },
    { key: "account", header: "Account", cell: (row) => numberOf(accounts, row.accountId), className: "max-sm:hidden" },
    { key: "difference", header: "Difference", isNumber: true, cell: (row) => differenceOf(row) },
    {
      key: "freeze",
      header: "Trading",
      text: (row) => (row.isFreezing ? "frozen" : "goes on"),
      cell: (row) => (row.isFreezing ? <Status tone="critical" label="Frozen" /> : <span className="text-faint">Goes on</span>),
      className: "max-md:hidden",
    },
    { key: "found", header: "Found", text: (row) => row.foundAt, cell: (row) => formatTime(row.foundAt), className: "max-md:hidden" },
    { key: "age", header: "Age", text: (row) => row.ageSeconds, isNumber: true, cell: (row) => ageInWords(row.ageSeconds), className: "max-sm:hidden" },
    { key: "state", header: "State", text: (row) => breakState(row).label, cell: (row) => <Status {...breakState(row)} />, className: "max-sm:hidden" },
  ];
}
