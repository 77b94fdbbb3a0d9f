/** Touches of restricted names: who tried what, and what became of it. */
import type { JSX } from "react";

import { formatEnum, formatTime } from "../../shared/format/time";
import { useActors } from "../../shared/identity/actors";
import { useSymbols } from "../../shared/instrument/names";
import { restrictionsTopic } from "../../shared/live/topics";
import { useNews, useReload } from "../../shared/live/useNews";
import { RoomLink } from "../../shared/page/links";
import { Answered, Section } from "../../shared/query/Answered";
import { More } from "../../shared/query/More";
import { pageOfConnection, usePages } from "../../shared/query/usePages";
import { accountName, useAccounts } from "../../shared/session/accounts";
import { Status } from "../../shared/table/Status";
import { Table, type Column } from "../../shared/table/Table";
import { ALERTS, type Alert } from "./documents";
import { RESTRICTIONS } from "./words";

const PAGE = 100;
const LOOK_EVERY_MS = 5_000;

export function AlertsTab(): JSX.Element {
  const news = useNews(restrictionsTopic, LOOK_EVERY_MS);
  const pages = usePages(ALERTS, { first: PAGE }, { pageOf: (data) => pageOfConnection(data.restrictionAlerts), everyMs: news.everyMs });
  useReload(news, pages.reload);
  const accounts = useAccounts();
  const nameOfActor = useActors();
  const symbolOf = useSymbols((pages.data?.rows ?? []).map((alert) => alert.instrumentId));
  const numbers = new Map(accounts.map((account) => [account.id, accountName(account)]));
  return (
    <Section title="Restricted names touched" about="Who placed the order does not see this." answer={pages} staleMs={4 * news.everyMs} isTable>
      <Answered answer={pages} what="the alerts" empty={({ rows }) => (rows.length > 0 ? null : { title: "No restricted name was touched." })}>
        {({ rows }) => (
          <>
            <Table
              label="Restricted names touched" file="restriction-alerts"
              rows={rows}
              rowKey={(row) => row.id}
              columns={columnsOf(symbolOf, nameOfActor, numbers)}
            />
            <More pages={pages} what="alerts" />
          </>
        )}
      </Answered>
    </Section>
  );
}

function columnsOf(
  symbolOf: (id: string | null) => string,
  nameOfActor: (actor: string | null) => string,
  numbers: ReadonlyMap<string, string>,
): Column<Alert>[] {
  return [
    { key: "when", header: "When", text: (row) => row.createdAt, cell: (row) => formatTime(row.createdAt) },
    { key: "what", header: "Name", text: (row) => symbolOf(row.instrumentId), cell: (row) => <RoomLink to="/orders" search={{ order: row.orderId }}>{symbolOf(row.instrumentId)}</RoomLink> },
    { key: "outcome", header: "Became", text: (row) => row.outcome, cell: (row) => <Status tone={row.outcome === "BLOCKED" ? "critical" : "working"} label={formatEnum(row.outcome)} /> },
    { key: "kind", header: "Restriction", cell: (row) => RESTRICTIONS[row.kind].label, className: "max-sm:hidden" },
    { key: "act", header: "On", cell: (row) => formatEnum(row.act), className: "max-md:hidden" },
    { key: "by", header: "By", cell: (row) => nameOfActor(row.actedBy), className: "max-sm:hidden" },
    { key: "account", header: "Account", cell: (row) => numbers.get(row.accountId) ?? "", className: "max-md:hidden" },
  ];
}
