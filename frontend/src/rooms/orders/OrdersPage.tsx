/** The blotter: orders as they stand, live, with what can be done to them. */
import { useMemo, useState, type JSX } from "react";

import { Choices } from "../../shared/page/Choices";
import { Empty } from "../../shared/page/states";
import { Page } from "../../shared/page/Page";
import { SearchField } from "../../shared/page/SearchField";
import { usePageSearch, type Search } from "../../shared/page/search";
import { Staleness } from "../../shared/page/Staleness";
import { BATCH_SILENCE_MS } from "../../shared/live/batches";
import { useBatches } from "../../shared/live/useBatches";
import { useAccountIds } from "../../shared/session/accounts";
import { useMay } from "../../shared/session/viewer";
import { LiveBody } from "../../shared/table/LiveBody";
import { LiveTable } from "../../shared/table/LiveTable";
import { TableTools } from "../../shared/table/TableTools";
import { useTable } from "../../shared/table/useTable";
import { openTicket } from "../ticket/open";
import { BulkBar } from "./BulkBar";
import { ORDER_COLUMNS } from "./columns";
import type { Order } from "./documents";
import { filterOf, fits, SPANS, spanOf, STATE_GROUPS } from "./filters";
import { OrderDrawer } from "./OrderDrawer";
import { ORDERS, ORDERS_SHOWN_MAX } from "./source";

const THROTTLE_MS = 250;
const NONE: ReadonlySet<string> = new Set();

export function OrdersPage(): JSX.Element {
  const [search, patch] = usePageSearch();
  const accountIds = useAccountIds();
  const [openedAt] = useState(() => new Date());
  const filter = useMemo(() => filterOf(search, accountIds, openedAt), [search, accountIds, openedAt]);
  const { rows, feed, reload } = useBatches(ORDERS, { filter, throttleMs: THROTTLE_MS });
  const table = useTable("orders", ORDER_COLUMNS);
  const [selected, setSelected] = useState<ReadonlySet<string>>(NONE);
  const text = search["q"] ?? "";
  const found = useMemo(() => rows.filter((row) => fits(row, text)), [rows, text]);
  const chosen = useMemo(() => found.filter((row) => selected.has(row.id)), [found, selected]);
  const orderId = search["order"] ?? null;
  const open = found.find((row) => row.id === orderId);
  const mayPlace = useMay("PLACE_ORDERS");

  return (
    <Page
      title="Orders"
      tools={
        <>
          <Filters search={search} patch={patch} />
          <Staleness feed={feed} silenceMs={BATCH_SILENCE_MS} isStreamed onRetry={reload} hasRows={rows.length > 0} />
        </>
      }
      actions={
        <>
          <span className="text-small text-faint">
            {rows.length >= ORDERS_SHOWN_MAX ? `newest ${ORDERS_SHOWN_MAX.toLocaleString("en")}` : found.length}
          </span>
          <TableTools table={table} rows={found} />
          {mayPlace && (
            <button type="button" className="control primary" onClick={() => openTicket({})}>
              New order
            </button>
          )}
        </>
      }
    >
      <div className="flex min-h-0 flex-1">
        <div className="flex min-w-0 flex-1 flex-col">
          {chosen.length > 0 && <BulkBar orders={chosen} onClear={() => setSelected(NONE)} />}
          <LiveBody feed={feed} hasRows={rows.length > 0} onRetry={reload}>
            <LiveTable<Order>
              label="Orders"
              table={table}
              rows={found}
              rowKey={(row) => row.id}
              selected={selected}
              onSelect={setSelected}
              onOpen={(row) => patch({ order: row.id })}
              openKey={orderId}
              hasKeys
              empty={
                <Empty title="No orders fit.">
                  {mayPlace ? "Press b to buy or s to sell, or change the filters." : "Change the filters to see others."}
                </Empty>
              }
            />
          </LiveBody>
        </div>
        {orderId !== null && (
          <OrderDrawer key={orderId} id={orderId} row={open} isCancelKeyTaken={chosen.length > 0} onClose={() => patch({ order: undefined })} onOpen={(id) => patch({ order: id })} />
        )}
      </div>
    </Page>
  );
}

function Filters({ search, patch }: { search: Search; patch: (changes: Record<string, string | undefined>) => void }): JSX.Element {
  const span = spanOf(search);
  return (
    <>
      <Choices
        label="Which orders"
        options={SPANS}
        chosen={span}
        onChoose={(next) => patch({ show: next === "today" ? undefined : next, from: undefined, to: undefined })}
      />
      {span === "range" && (
        <>
          <input type="date" aria-label="From" className="input" value={search["from"] ?? ""} onChange={(event) => patch({ from: event.target.value })} />
          <input type="date" aria-label="To" className="input" value={search["to"] ?? ""} onChange={(event) => patch({ to: event.target.value })} />
        </>
      )}
      <select aria-label="State" className="input" value={search["state"] ?? ""} onChange={(event) => patch({ state: event.target.value })}>
        <option value="">Any state</option>
        {Object.entries(STATE_GROUPS).map(([value, { label }]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
      <select aria-label="Side" className="input" value={search["side"] ?? ""} onChange={(event) => patch({ side: event.target.value })}>
        <option value="">Both sides</option>
        <option value="BUY">Buy</option>
        <option value="SELL">Sell</option>
      </select>
      <SearchField label="Search orders" placeholder="Symbol or id" text={search["q"] ?? ""} onChange={(q) => patch({ q })} className="w-36" />
    </>
  );
}
