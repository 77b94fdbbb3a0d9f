/** The times that limits were nearly full, breached, or refused orders, and who has seen them. */
import { useState, type JSX } from "react";

import { act } from "../../../shared/act/act";
import { Button } from "../../../shared/controls/Button";
import { Confirm } from "../../../shared/controls/Confirm";
import { Dialog } from "../../../shared/controls/Dialog";
import { Facts } from "../../../shared/controls/Facts";
import { FILTER } from "../../../shared/controls/Form";
import { formatTime } from "../../../shared/format/time";
import { useActors } from "../../../shared/identity/actors";
import { useSymbols } from "../../../shared/instrument/names";
import { alertsTopic } from "../../../shared/live/topics";
import { useNews, useReload } from "../../../shared/live/useNews";
import { toast } from "../../../shared/overlay/toasts";
import { usePageSearch } from "../../../shared/page/search";
import { Empty } from "../../../shared/page/states";
import { Answered } from "../../../shared/query/Answered";
import { More } from "../../../shared/query/More";
import { Stale } from "../../../shared/query/Stale";
import { pageOfConnection, usePages } from "../../../shared/query/usePages";
import { accountName, useAccountIds, useAccounts } from "../../../shared/session/accounts";
import { useMay } from "../../../shared/session/viewer";
import type { LiveColumn } from "../../../shared/table/layout";
import { LiveTable } from "../../../shared/table/LiveTable";
import { Status } from "../../../shared/table/Status";
import { TableTools } from "../../../shared/table/TableTools";
import { useTable } from "../../../shared/table/useTable";
import { Toolbar } from "../Toolbar";
import { amountInWords, KINDS } from "../words";
import { ACKNOWLEDGE, BREACHES, type Breach } from "./documents";
import { BREACH_LEVELS, ratioInWords } from "./levels";

const PAGE = 100;
const LOOK_EVERY_MS = 5_000;

const SHOWN: Readonly<Record<string, { isOpen: boolean | null; isAcknowledged: boolean | null }>> = {
  unseen: { isOpen: null, isAcknowledged: false },
  open: { isOpen: true, isAcknowledged: null },
  all: { isOpen: null, isAcknowledged: null },
};

interface Row {
  breach: Breach;
  account: string;
  symbol: string;
}

export function BreachesTab(): JSX.Element {
  const [search, patch] = usePageSearch();
  const shown = search["breaches"] ?? "unseen";
  const accountIds = useAccountIds();
  const accounts = useAccounts();
  const news = useNews(alertsTopic, LOOK_EVERY_MS);
  const pages = usePages(
    BREACHES,
    { filter: { ...(SHOWN[shown] ?? SHOWN["all"]), accountIds: accountIds === null ? null : [...accountIds] }, first: PAGE },
    { pageOf: (data) => pageOfConnection(data.riskBreaches), everyMs: LOOK_EVERY_MS },
  );
  // An order that a limit refused is a breach, too, of which no alert tells: hence it asks often besides.
  useReload(news, pages.reload);
  const found = pages.data?.rows ?? [];
  const symbolOf = useSymbols(found.map((each) => each.instrumentId));
  const rows: Row[] = found.map((breach) => {
    const account = accounts.find((each) => each.id === breach.accountId);
    return { breach, account: account ? accountName(account) : "", symbol: symbolOf(breach.instrumentId) };
  });
  const table = useTable("risk-breaches", COLUMNS);
  const [looking, setLooking] = useState<Row | null>(null);

  return (
    <>
      <Toolbar actions={<TableTools table={table} rows={rows} />}>
        <select aria-label="Which breaches" value={shown} onChange={(event) => patch({ breaches: event.target.value })} className={FILTER}>
          <option value="unseen">Not acknowledged</option>
          <option value="open">Lasting</option>
          <option value="all">All</option>
        </select>
        <Stale answer={pages} limitMs={4 * LOOK_EVERY_MS} />
      </Toolbar>
      <Answered answer={pages} what="the breaches">
        {() => (
          <>
            <LiveTable
              label="Breaches"
              table={table}
              rows={rows}
              rowKey={(row) => row.breach.id}
              onOpen={setLooking}
              openKey={looking?.breach.id ?? null}
              hasKeys
              empty={
                shown === "unseen" ? (
                  <Empty title="Nothing waits to be seen.">Each warning and breach stands here until somebody acknowledges it.</Empty>
                ) : (
                  <Empty title="No breaches." />
                )
              }
            />
            <More pages={pages} what="breaches" />
          </>
        )}
      </Answered>
      {looking && (
        <BreachDialog
          row={looking}
          onDone={() => {
            setLooking(null);
            pages.reload();
          }}
          onClose={() => setLooking(null)}
        />
      )}
    </>
  );
}

function BreachDialog({ row, onDone, onClose }: { row: Row; onDone: () => void; onClose: () => void }): JSX.Element {
  const { breach } = row;
  const nameOfActor = useActors();
  const mayAcknowledge = useMay("MANAGE_RISK") && breach.acknowledgedAt === null;
  const facts = (
    <Facts
      facts={[
        ["Level", <Status key="level" {...BREACH_LEVELS[breach.level]} />],
        ["Account", row.account],
        ["Instrument", row.symbol],
        ["At its begin", `${amountInWords(breach.limitType, breach.observed, null)} of ${amountInWords(breach.limitType, breach.value, null)}, ${ratioInWords(breach.ratio)}`],
        ["At its worst", `${amountInWords(breach.limitType, breach.peakObserved, null)}, ${ratioInWords(breach.peakRatio)}`],
        ["Orders refused", breach.refusals > 0 && String(breach.refusals)],
        ["Began", formatTime(breach.openedAt)],
        ["Ended", breach.clearedAt === null ? "It lasts" : formatTime(breach.clearedAt)],
        ["Acknowledged", breach.acknowledgedAt && `${nameOfActor(breach.acknowledgedBy)}, ${formatTime(breach.acknowledgedAt)}`],
        ["Note", breach.note],
        ["Limit", `Version ${breach.limitVersion}`],
      ]}
    />
  );
  const title = `${KINDS[breach.limitType].label}: ${BREACH_LEVELS[breach.level].label.toLowerCase()}`;
  if (!mayAcknowledge) return <Told title={title} onClose={onClose}>{facts}</Told>;
  return (
    <Confirm
      title={title}
      submit="Acknowledge"
      busy="Acknowledging"
      reason="Note, kept with the breach"
      act={(note) => act(ACKNOWLEDGE, { input: { breachId: breach.id, note } })}
      onDone={() => {
        toast("ok", "Acknowledged");
        onDone();
      }}
      onClose={onClose}
    >
      {facts}
    </Confirm>
  );
}

function Told({ title, onClose, children }: { title: string; onClose: () => void; children: JSX.Element }): JSX.Element {
  return (
    <Dialog title={title} onClose={onClose}>
      {children}
      <div>
        <Button onClick={onClose}>Close</Button>
      </div>
    </Dialog>
  );
}

const COLUMNS: readonly LiveColumn<Row>[] = [
  { key: "level", header: "Level", cell: ({ breach }) => <Status {...BREACH_LEVELS[breach.level]} />, text: ({ breach }) => breach.level, width: 120, isCompact: true },
  { key: "limit", header: "Limit", cell: ({ breach }) => KINDS[breach.limitType].label, text: ({ breach }) => breach.limitType, width: 150, isCompact: true },
  { key: "account", header: "Account", cell: (row) => row.account, text: (row) => row.account, width: 110 },
  { key: "symbol", header: "Instrument", cell: (row) => row.symbol, text: (row) => row.symbol, width: 90 },
  { key: "peak", header: "Worst", cell: ({ breach }) => ratioInWords(breach.peakRatio), text: ({ breach }) => String(breach.peakRatio), isNumber: true, width: 80, isCompact: true },
  {
    key: "observed",
    header: "Amount",
    cell: ({ breach }) => amountInWords(breach.limitType, breach.peakObserved, null),
    text: ({ breach }) => breach.peakObserved,
    isNumber: true,
    width: 110,
  },
  { key: "value", header: "Of", cell: ({ breach }) => amountInWords(breach.limitType, breach.value, null), text: ({ breach }) => breach.value, isNumber: true, width: 110 },
  { key: "refusals", header: "Refused", cell: ({ breach }) => (breach.refusals === 0 ? "" : breach.refusals), text: ({ breach }) => String(breach.refusals), isNumber: true, width: 80 },
  { key: "opened", header: "Began", cell: ({ breach }) => formatTime(breach.openedAt), text: ({ breach }) => breach.openedAt, width: 110 },
  { key: "cleared", header: "Ended", cell: ({ breach }) => (breach.clearedAt === null ? "Lasts" : formatTime(breach.clearedAt)), text: ({ breach }) => breach.clearedAt ?? "", width: 110 },
  {
    key: "seen",
    header: "Seen",
    cell: ({ breach }) =>
      breach.acknowledgedAt === null ? <Status tone="pending" label="Not yet" /> : <Status tone="ok" label="Acknowledged" detail={breach.note} />,
    text: ({ breach }) => breach.note ?? "",
    width: 160,
  },
];
