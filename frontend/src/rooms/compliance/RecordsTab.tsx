/** The complete lives of orders, as a regulator is given them. */
import { useState, type JSX } from "react";

import { Button } from "../../shared/controls/Button";
import { download } from "../../shared/format/download";
import { formatEnum, formatTime } from "../../shared/format/time";
import { Drawer } from "../../shared/overlay/Drawer";
import { usePageSearch } from "../../shared/page/search";
import { Answered } from "../../shared/query/Answered";
import { More } from "../../shared/query/More";
import { Stale } from "../../shared/query/Stale";
import { pageOfConnection, usePages } from "../../shared/query/usePages";
import { Table, type Column } from "../../shared/table/Table";
import { Toolbar } from "../risk/Toolbar";
import { RECORDS, type OrderRecord } from "./documents";
import { AccountFilter, DaysFilter } from "./Filters";
import { dayBefore, spanOf, told } from "./words";

const PAGE = 50;

export function RecordsTab(): JSX.Element {
  const [search] = usePageSearch();
  const [today] = useState(() => dayBefore(0));
  const from = search["from"] ?? today;
  const to = search["to"] ?? today;
  const { after: fromTime, before: toTime } = spanOf(from, to);
  const pages = usePages(
    RECORDS,
    { fromTime, toTime, accountId: search["account"] ?? null, first: PAGE },
    { pageOf: (data) => pageOfConnection(data.orderRecords) },
  );
  const [looking, setLooking] = useState<OrderRecord | null>(null);
  return (
    <div className="flex min-h-0 flex-1">
      <div className="flex min-w-0 flex-1 flex-col overflow-auto">
        <Toolbar
          actions={
            <Button disabled={(pages.data?.rows.length ?? 0) === 0} onClick={() => save(pages.data?.rows ?? [], from, to)}>
              JSON lines of what is shown
            </Button>
          }
        >
          <DaysFilter from={from} to={to} />
          <AccountFilter />
          <Stale answer={pages} />
        </Toolbar>
        <Answered answer={pages} what="the order records" empty={({ rows }) => (rows.length > 0 ? null : { title: "No orders were stored in these days." })}>
          {({ rows }) => (
            <>
              <Table
                label="Order records"
                rows={rows}
                rowKey={(row) => row.orderId}
                columns={columnsOf(setLooking)}
              />
              <More pages={pages} what="records" />
            </>
          )}
        </Answered>
        <p className="max-w-160 px-4 py-2 text-small text-faint">
          A whole year, with a checksum and the state of the clock, is written by <code>oms compliance export</code>.
        </p>
      </div>
      {looking && (
        <Drawer title="Order record" onClose={() => setLooking(null)}>
          {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a scrolling region must be reachable by keyboard */}
          <pre tabIndex={0} aria-label="The record" className="overflow-auto p-4 font-mono text-micro">
            {JSON.stringify(looking.record, null, 2)}
          </pre>
        </Drawer>
      )}
    </div>
  );
}

function columnsOf(onLook: (record: OrderRecord) => void): Column<OrderRecord>[] {
  return [
    { key: "when", header: "Decided", cell: ({ record }) => timeOf(told(record, "order", "decidedAt")) },
    {
      key: "what",
      header: "Order",
      cell: (row) => (
        <Button kind="word" onClick={() => onLook(row)}>
          {`${formatEnum(told(row.record, "order", "side"))} ${told(row.record, "order", "quantity")} ${told(row.record, "order", "symbol")}`}
        </Button>
      ),
    },
    { key: "state", header: "State", cell: ({ record }) => formatEnum(told(record, "order", "state")) },
    { key: "account", header: "Account", cell: ({ record }) => told(record, "order", "accountNumber"), className: "max-sm:hidden" },
    { key: "age", header: "Age of the quote", isNumber: true, cell: ({ record }) => ageOf(record), className: "max-md:hidden" },
    { key: "id", header: "Client order id", cell: ({ record }) => <span className="text-faint">{told(record, "order", "clientOrderId")}</span>, className: "max-md:hidden" },
  ];
}

function timeOf(iso: string): string {
  return iso === "" ? "" : formatTime(iso);
}

function ageOf(record: OrderRecord["record"]): string {
  const milliseconds = told(record, "arrival", "ageMilliseconds");
  return milliseconds === "" ? "No quote" : `${milliseconds} ms`;
}

function save(rows: readonly OrderRecord[], from: string, to: string): void {
  const lines = rows.map((row) => `${JSON.stringify(row.record)}\n`).join("");
  download(`order-records-${from}-${to}.jsonl`, lines, "application/x-ndjson");
}
