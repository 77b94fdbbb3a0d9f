/** The first page: how the accounts stand, what they hold, what was ordered last, how the market moves. */
import { useCallback, useEffect, useMemo, useState, type JSX } from "react";

import { money, NOTHING } from "../../shared/format/Pnl";
import { formatAge, formatEnum } from "../../shared/format/time";
import { client } from "../../shared/graphql/client";
import { describeFailure } from "../../shared/graphql/failure";
import { BATCH_SILENCE_MS } from "../../shared/live/batches";
import { createFeed, useFeed, type Feed } from "../../shared/live/feed";
import { useBatches } from "../../shared/live/useBatches";
import { usePageSearch } from "../../shared/page/search";
import { Staleness } from "../../shared/page/Staleness";
import { usePreference } from "../../shared/preferences/preferences";
import { accountName, accountsFeed, modeOf, useAccountIds, useChosenAccounts } from "../../shared/session/accounts";
import { useUnknownFor } from "../../shared/session/brokers";
import type { DeskAccount } from "../../shared/session/documents";
import { ModeBadge } from "../../shared/session/Mode";
import { useMay } from "../../shared/session/viewer";
import type { LiveColumn } from "../../shared/table/layout";
import { Panel } from "../../shared/table/Panel";
import { Status, type Tone } from "../../shared/table/Status";
import { Table, type Column } from "../../shared/table/Table";
import { QUOTE_COLUMNS } from "../market/columns";
import { TICKS_SILENCE_MS, useQuotes } from "../market/useQuotes";
import { ORDER_COLUMNS } from "../orders/columns";
import { OrderDrawer } from "../orders/OrderDrawer";
import { ORDERS } from "../orders/source";
import { dayStart } from "../orders/filters";
import { POSITION_COLUMNS } from "../positions/columns";
import { POSITIONS } from "../positions/source";
import { readWatchlist } from "../trade/Watchlist";
import { ACCOUNT_FIGURES, type Figures } from "./documents";

const FIGURES_EVERY_MS = 5_000;
/** A missed poll or two. */
const POLL_SILENCE_MS = 15_000;
const THROTTLE_MS = 250;
const ORDERS_SHOWN = 50;

export function OverviewPage(): JSX.Element {
  const maySeePositions = useMay("VIEW_POSITIONS");
  const maySeeMarket = useMay("VIEW_MARKET_DATA");
  const [search, patch] = usePageSearch();
  return (
    <div className="grid flex-1 auto-rows-max grid-cols-[minmax(0,1fr)] gap-px overflow-auto bg-line max-lg:flex max-lg:flex-col max-lg:*:shrink-0 max-lg:[&>section:last-of-type]:grow lg:min-h-0 lg:grid-cols-[minmax(0,1fr)_400px] lg:grid-rows-[auto_auto_minmax(0,1fr)] lg:overflow-hidden">
      <h1 className="sr-only">Overview</h1>
      <Accounts maySeeFigures={maySeePositions} />
      {maySeeMarket ? <Quotes /> : <div className="bg-surface max-lg:hidden lg:col-start-2 lg:row-span-3 lg:row-start-1" />}
      {maySeePositions && <Positions />}
      <Orders />
      {search["order"] !== undefined && (
        <div className="fixed inset-y-0 right-0 z-10 flex">
          <OrderDrawer key={search["order"]} id={search["order"]} row={undefined} onClose={() => patch({ order: undefined })} onOpen={(id) => patch({ order: id })} />
        </div>
      )}
    </div>
  );
}

const CONNECTION_TONE: Record<DeskAccount["connection"]["state"], Tone> = {
  CONNECTED: "ok",
  SYNCHRONIZING: "working",
  CONNECTING: "pending",
  DEGRADED: "warn",
  BACKING_OFF: "warn",
  DISCONNECTED: "critical",
};

type AccountRow = DeskAccount & {
  figures: Figures | undefined;
  /** Milliseconds since it was heard of, once that is too long ago to hold. */
  unknownMs: number | null;
};

/** By the width of the panel, which has less of the screen while the ticket is open. */
const WIDE = "@max-lg:hidden";
const WIDER = "@max-2xl:hidden";
const WIDEST = "@max-3xl:hidden";

const figure = (value: string | null | undefined): JSX.Element | string => (value === null || value === undefined ? NOTHING : money(value));

const ACCOUNT_COLUMNS: readonly Column<AccountRow>[] = [
  { key: "number", header: "Account", cell: (row) => <span className="font-medium">{accountName(row)}</span> },
  { key: "mode", header: "Mode", cell: (row) => <ModeBadge mode={modeOf(row)} /> },
  {
    key: "state",
    header: "Connection",
    cell: ({ connection, unknownMs }) =>
      unknownMs === null ? (
        <Status tone={CONNECTION_TONE[connection.state]} label={formatEnum(connection.state)} detail={connection.state === "CONNECTED" ? null : connection.lastError} />
      ) : (
        <Status tone="warn" label="Unknown" detail={`${formatEnum(connection.state)} ${formatAge(unknownMs)} ago`} />
      ),
  },
  {
    key: "roundTrip",
    header: "Round trip",
    isNumber: true,
    className: WIDEST,
    cell: ({ connection }) => (connection.roundTripMs === null ? NOTHING : `${connection.roundTripMs.toFixed(1)} ms`),
  },
  { key: "currency", header: "Currency", className: WIDER, cell: (row) => row.baseCurrency },
  { key: "cash", header: "Cash", isNumber: true, className: WIDER, cell: (row) => figure(row.figures?.cash) },
  { key: "excess", header: "Excess liquidity", isNumber: true, className: WIDEST, cell: (row) => figure(row.figures?.excessLiquidity) },
  { key: "buyingPower", header: "Buying power", isNumber: true, className: WIDE, cell: (row) => figure(row.figures?.buyingPower) },
  { key: "equity", header: "Equity", isNumber: true, cell: (row) => figure(row.figures?.equity) },
];

function Accounts({ maySeeFigures }: { maySeeFigures: boolean }): JSX.Element {
  const accounts = useChosenAccounts();
  const [feed] = useState(createFeed);
  const [figures, setFigures] = useState<ReadonlyMap<string, Figures>>(new Map());
  const ask = useCallback(async () => {
    const { data, error } = await client.query(ACCOUNT_FIGURES, {}).toPromise();
    if (data) {
      setFigures(new Map(data.brokerAccounts.map((each) => [each.id, each])));
      feed.heard();
    } else if (error) feed.fail(describeFailure(error));
  }, [feed]);
  useEffect(() => {
    if (!maySeeFigures) return;
    void ask();
    const timer = setInterval(() => void ask(), FIGURES_EVERY_MS);
    return () => clearInterval(timer);
  }, [ask, maySeeFigures]);
  const unknownMs = useUnknownFor();
  const rows = useMemo(
    () => accounts.map((account): AccountRow => Object.assign({ figures: figures.get(account.id), unknownMs }, account)),
    [accounts, figures, unknownMs],
  );

  return (
    <LivePanel
      className="lg:max-h-[25dvh]"
      title="Accounts"
      count={rows.length}
      feed={accountsFeed}
      freshness={maySeeFigures ? feed : accountsFeed}
      silenceMs={POLL_SILENCE_MS}
      onRetry={() => void ask()}
      empty="No broker account is connected to this firm."
    >
      <Table label="Accounts" columns={ACCOUNT_COLUMNS} rows={rows} rowKey={(row) => row.id} />
    </LivePanel>
  );
}

/** A live table's columns in a small fixed one: those of a narrow screen, and what is named beside them. */
function fixed<Row>(columns: readonly LiveColumn<Row>[], ...keys: string[]): readonly Column<Row>[] {
  return columns
    .filter((column) => column.isCompact || keys.includes(column.key))
    .map(({ key, header, cell, isNumber = false, isCompact }) => ({ key, header, cell, isNumber, className: isCompact ? "" : key === "account" ? "max-2xl:hidden" : WIDER }));
}

const POSITIONS_HERE = fixed(POSITION_COLUMNS, "average", "value", "currency", "realized", "account");
const ORDERS_HERE = fixed(ORDER_COLUMNS, "time", "filled", "type", "price", "average", "account");
const QUOTES_HERE = fixed(QUOTE_COLUMNS);

function Positions(): JSX.Element {
  const accountIds = useAccountIds();
  const { rows, feed, reload } = useBatches(POSITIONS, { accountIds: accountIds === null ? null : [...accountIds], throttleMs: THROTTLE_MS });
  return (
    <LivePanel className="lg:max-h-[38dvh]" title="Positions" count={rows.length} feed={feed} silenceMs={BATCH_SILENCE_MS} isStreamed onRetry={reload} empty="No open positions. They appear here with the first fill.">
      <Table label="Positions" columns={POSITIONS_HERE} rows={rows} rowKey={(row) => row.id} />
    </LivePanel>
  );
}

function Orders(): JSX.Element {
  const accountIds = useAccountIds();
  const [since] = useState(() => dayStart(new Date(), 1));
  const filter = { createdAfter: since, ...(accountIds === null ? {} : { accountIds: [...accountIds] }) };
  const { rows, feed, reload } = useBatches(ORDERS, { filter, throttleMs: THROTTLE_MS });
  const shown = useMemo(() => rows.slice(0, ORDERS_SHOWN), [rows]);
  return (
    <LivePanel title="Recent orders" count={shown.length} feed={feed} silenceMs={BATCH_SILENCE_MS} isStreamed onRetry={reload} empty="No orders since yesterday.">
      <Table label="Recent orders" columns={ORDERS_HERE} rows={shown} rowKey={(row) => row.id} />
    </LivePanel>
  );
}

function Quotes(): JSX.Element {
  const [list] = usePreference("watchlist", readWatchlist);
  const key = JSON.stringify(list);
  const symbols = useMemo(() => JSON.parse(key) as string[] | null, [key]);
  const { rows, feed, reload } = useQuotes(symbols);
  return (
    <LivePanel className="lg:col-start-2 lg:row-span-3 lg:row-start-1" title="Quotes" count={rows.length} feed={feed} silenceMs={TICKS_SILENCE_MS} isStreamed onRetry={reload} empty="No instruments yet.">
      <Table label="Quotes" columns={QUOTES_HERE} rows={rows} rowKey={(row) => row.id} />
    </LivePanel>
  );
}

interface LivePanelProps {
  title: string;
  count: number;
  /** What says whether there is anything at all. */
  feed: Feed;
  /** What says how fresh it is, if that is another source. */
  freshness?: Feed;
  silenceMs: number;
  isStreamed?: boolean;
  empty: string;
  onRetry: () => void;
  className?: string;
  children: JSX.Element;
}

function LivePanel({ title, count, feed, freshness, silenceMs, isStreamed, empty, onRetry, className, children }: LivePanelProps): JSX.Element {
  const { heardAtMs, failure } = useFeed(feed);
  const isLoading = heardAtMs === null && failure === null;
  const hasRows = count > 0;
  return (
    <Panel
      title={title}
      count={isLoading ? undefined : count}
      aside={<Staleness feed={freshness ?? feed} silenceMs={silenceMs} isStreamed={isStreamed ?? false} onRetry={onRetry} hasRows={hasRows} />}
      isLoading={isLoading}
      failure={hasRows ? null : failure}
      onRetry={onRetry}
      empty={!hasRows && failure === null ? empty : null}
      className={`@container ${className ?? ""}`}
    >
      {hasRows && children}
    </Panel>
  );
}
