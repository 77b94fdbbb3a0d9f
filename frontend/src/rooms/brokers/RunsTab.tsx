/** The comparisons of our books with the brokers', the newest first. */
import type { JSX } from "react";

import { formatTime } from "../../shared/format/time";
import { Answered, Section } from "../../shared/query/Answered";
import { useAnswer } from "../../shared/query/useAnswer";
import { Status } from "../../shared/table/Status";
import { Table, type Column } from "../../shared/table/Table";
import { AccountFilter, numberOf, useAccountFilter } from "./AccountFilter";
import { RECONCILIATIONS, type Account, type Reconciliation } from "./documents";
import { OCCASIONS } from "./words";

const RUNS = 100;
const LOOK_EVERY_MS = 10_000;

export function RunsTab({ accounts }: { accounts: readonly Account[] }): JSX.Element {
  const accountId = useAccountFilter();
  const answer = useAnswer(RECONCILIATIONS, { accountId, first: RUNS }, { everyMs: LOOK_EVERY_MS });
  return (
    <Section
      title="Reconciliations"
      about="Our books held against the broker's: at each connection, every half minute, and when somebody asks. Looks that found the same are one line."
      answer={answer}
      staleMs={3 * LOOK_EVERY_MS}
      isTable
      actions={<AccountFilter accounts={accounts} />}
    >
      <Answered
        answer={answer}
        what="the reconciliations"
        empty={({ reconciliations }) =>
          reconciliations.length === 0 ? { title: "Nothing was compared yet.", words: "The first comparison comes with the first connection." } : null
        }
      >
        {({ reconciliations }) => <Table label="Reconciliations" file="reconciliations" columns={runColumns(accounts)} rows={reconciliations} rowKey={(row) => row.id} />}
      </Answered>
    </Section>
  );
}

function runColumns(accounts: readonly Account[]): Column<Reconciliation>[] {
  return [
    { key: "time", header: "When", text: (row) => row.finishedAt ?? row.startedAt, cell: (row) => formatTime(row.finishedAt ?? row.startedAt) },
    { key: "account", header: "Account", cell: (row) => numberOf(accounts, row.accountId) },
    { key: "why", header: "Why", cell: (row) => OCCASIONS[row.occasion] },
    { key: "orders", header: "Orders", cell: (row) => row.ordersChecked, isNumber: true, className: "max-sm:hidden" },
    { key: "positions", header: "Positions", cell: (row) => row.positionsChecked, isNumber: true, className: "max-sm:hidden" },
    { key: "flight", header: "In flight", cell: (row) => row.positionsInFlight, isNumber: true, className: "max-md:hidden" },
    { key: "imported", header: "Executions imported", cell: (row) => row.executionsImported, isNumber: true, className: "max-md:hidden" },
    { key: "looks", header: "Looks", cell: (row) => row.looks, isNumber: true, className: "max-sm:hidden" },
    {
      key: "state",
      header: "Outcome",
      text: (row) => (row.finishedAt === null ? "at work" : `${row.breaksOpen} breaks`),
      cell: (row) =>
        row.finishedAt === null ? (
          <Status tone="working" label="At work" />
        ) : row.breaksOpen === 0 ? (
          <Status tone="ok" label="Agree" />
        ) : (
          <Status tone="warn" label={`${row.breaksOpen} ${row.breaksOpen === 1 ? "break" : "breaks"}`} />
        ),
    },
  ];
}
