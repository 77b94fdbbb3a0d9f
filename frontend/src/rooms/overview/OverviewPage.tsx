/** The first page: accounts, positions, orders and quotes, all live. */
import { useEffect, useState, type JSX } from "react";

import { useFeed, type Feed } from "../../shared/live/feed";
import { Staleness } from "../../shared/page/Staleness";
import { Panel } from "../../shared/table/Panel";
import { useRows, type RowStore } from "../../shared/table/rows";
import { Table, type Column } from "../../shared/table/Table";
import { ACCOUNT_COLUMNS, ORDER_COLUMNS, POSITION_COLUMNS, QUOTE_COLUMNS } from "./columns";
import { createDesk, type Desk } from "./desk";

/** Twice and a half the heartbeat of the tick stream. */
const TICKS_SILENCE_MS = 12_000;
/** A missed poll or two. */
const POLL_SILENCE_MS = 15_000;

export function OverviewPage(): JSX.Element {
  const [desk] = useState<Desk>(createDesk);
  useEffect(() => desk.start(), [desk]);

  return (
    <div className="grid flex-1 auto-rows-max grid-cols-[minmax(0,1fr)] gap-px overflow-auto bg-line lg:min-h-0 lg:overflow-hidden lg:grid-cols-[minmax(0,1fr)_420px] lg:grid-rows-[auto_auto_minmax(0,1fr)]">
      <h1 className="sr-only">Overview</h1>
      <LivePanel
        className="lg:max-h-[25dvh]"
        title="Accounts"
        store={desk.accounts}
        feed={desk.feeds.accounts}
        silenceMs={POLL_SILENCE_MS}
        columns={ACCOUNT_COLUMNS}
        rowKey={(row) => row.id}
        empty="No broker account is connected to this firm."
        onRetry={desk.reload}
      />
      <LivePanel
        className="lg:col-start-2 lg:row-span-3 lg:row-start-1"
        title="Quotes"
        store={desk.quotes}
        feed={desk.feeds.quotes}
        silenceMs={TICKS_SILENCE_MS}
        isStreamed
        columns={QUOTE_COLUMNS}
        rowKey={(row) => row.instrumentId}
        empty="No instruments yet."
        onRetry={desk.reload}
      />
      <LivePanel
        className="lg:max-h-[38dvh]"
        title="Positions"
        store={desk.positions}
        feed={desk.feeds.positions}
        silenceMs={POLL_SILENCE_MS}
        columns={POSITION_COLUMNS}
        rowKey={(row) => row.id}
        empty="No open positions. They appear here with the first fill."
        onRetry={desk.reload}
      />
      <LivePanel
        title="Recent orders"
        store={desk.orders}
        feed={desk.feeds.orders}
        isStreamed
        columns={ORDER_COLUMNS}
        rowKey={(row) => row.id}
        empty="No orders yet. Place the first one over the API or in GraphiQL."
        onRetry={desk.reload}
      />
    </div>
  );
}

interface LivePanelProps<Row> {
  title: string;
  store: RowStore<Row>;
  feed: Feed;
  /** After so long without a word the panel says so. Without it only the socket tells. */
  silenceMs?: number;
  /** Comes over the socket: stale as soon as that is gone. */
  isStreamed?: boolean;
  columns: readonly Column<Row>[];
  rowKey: (row: Row) => string;
  empty: string;
  onRetry: () => void;
  className?: string;
}

function LivePanel<Row>(props: LivePanelProps<Row>): JSX.Element {
  const { title, store, feed, silenceMs, isStreamed, columns, rowKey, empty, onRetry, className } = props;
  const rows = useRows(store);
  const { heardAtMs, failure } = useFeed(feed);
  const isLoading = heardAtMs === null && failure === null;
  const hasRows = rows.length > 0;
  return (
    <Panel
      title={title}
      count={isLoading ? undefined : rows.length}
      aside={
        <Staleness
          feed={feed}
          silenceMs={silenceMs ?? Number.POSITIVE_INFINITY}
          isStreamed={isStreamed ?? false}
          onRetry={onRetry}
          hasRows={hasRows}
        />
      }
      isLoading={isLoading}
      failure={hasRows ? null : failure}
      onRetry={onRetry}
      empty={!hasRows && failure === null ? empty : null}
      {...(className === undefined ? {} : { className })}
    >
      {hasRows && <Table label={title} columns={columns} rows={rows} rowKey={rowKey} />}
    </Panel>
  );
}
