/** The firm's instruments with their markets, live; more of them come from the broker. */
import { useMemo, useState, type JSX } from "react";

import { Page } from "../../shared/page/Page";
import { SearchField } from "../../shared/page/SearchField";
import { usePageSearch } from "../../shared/page/search";
import { Staleness } from "../../shared/page/Staleness";
import { Empty } from "../../shared/page/states";
import { useMay } from "../../shared/session/viewer";
import { LiveBody } from "../../shared/table/LiveBody";
import { LiveTable } from "../../shared/table/LiveTable";
import { TableTools } from "../../shared/table/TableTools";
import { useTable } from "../../shared/table/useTable";
import { AddInstrument } from "./AddInstrument";
import { QUOTE_COLUMNS } from "./columns";
import { InstrumentDrawer } from "./InstrumentDrawer";
import { TICKS_SILENCE_MS, useQuotes } from "./useQuotes";

export function MarketPage(): JSX.Element {
  const [search, patch] = usePageSearch();
  const { rows, feed, reload } = useQuotes(null);
  const table = useTable("market", QUOTE_COLUMNS);
  const [isAdding, setIsAdding] = useState(false);
  const mayAdd = useMay("PLACE_ORDERS");
  const text = (search["q"] ?? "").trim().toLowerCase();
  const found = useMemo(
    () => rows.filter((row) => row.symbol.toLowerCase().includes(text) || row.name.toLowerCase().includes(text)),
    [rows, text],
  );
  const openId = search["instrument"] ?? null;

  return (
    <Page
      title="Market"
      tools={
        <>
          <SearchField label="Search instruments" placeholder="Symbol or name" text={search["q"] ?? ""} onChange={(q) => patch({ q })} />
          <Staleness feed={feed} silenceMs={TICKS_SILENCE_MS} isStreamed onRetry={reload} hasRows={rows.length > 0} />
        </>
      }
      actions={
        <>
          <span className="text-small text-faint">{found.length}</span>
          <TableTools table={table} rows={found} />
          {mayAdd && (
            <button type="button" className="control" onClick={() => setIsAdding(true)}>
              Add instrument
            </button>
          )}
        </>
      }
    >
      <div className="flex min-h-0 flex-1">
        <div className="flex min-w-0 flex-1 flex-col">
          <LiveBody feed={feed} hasRows={rows.length > 0} onRetry={reload}>
            <LiveTable
              label="Market"
              table={table}
              rows={found}
              rowKey={(row) => row.id}
              onOpen={(row) => patch({ instrument: row.id })}
              openKey={openId}
              hasKeys
              empty={
                <Empty title={search["q"] ? "No instrument is called that." : "No instruments yet."}>
                  {mayAdd ? "Add it from the broker, who knows all that can be traded." : null}
                </Empty>
              }
            />
          </LiveBody>
        </div>
        {openId !== null && <InstrumentDrawer key={openId} id={openId} onClose={() => patch({ instrument: undefined })} />}
      </div>
      {isAdding && <AddInstrument onClose={() => setIsAdding(false)} onAdded={reload} />}
    </Page>
  );
}
