/** Every execution, the newest first, each as it comes. */
import { useMemo, type JSX } from "react";

import { Choices } from "../../shared/page/Choices";
import { Page } from "../../shared/page/Page";
import { SearchField } from "../../shared/page/SearchField";
import { usePageSearch } from "../../shared/page/search";
import { Staleness } from "../../shared/page/Staleness";
import { Empty } from "../../shared/page/states";
import { useAccountIds } from "../../shared/session/accounts";
import { LiveBody } from "../../shared/table/LiveBody";
import { LiveTable } from "../../shared/table/LiveTable";
import { TableTools } from "../../shared/table/TableTools";
import { useTable } from "../../shared/table/useTable";
import { EXECUTION_COLUMNS } from "./columns";
import { useExecutions } from "./useExecutions";

const SIDES = [
  ["", "Both"],
  ["BUY", "Buy"],
  ["SELL", "Sell"],
] as const;

export function ExecutionsPage(): JSX.Element {
  const [search, patch] = usePageSearch();
  const { rows, feed, totalCount, loadOlder, reload } = useExecutions(useAccountIds());
  const table = useTable("executions", EXECUTION_COLUMNS);
  const text = (search["q"] ?? "").trim().toLowerCase();
  const side = search["side"] ?? "";
  const found = useMemo(
    () =>
      rows.filter(
        (row) =>
          (side === "" || row.side === side) &&
          [row.instrument.symbol, row.executionId, row.order.clientOrderId].some((each) => each.toLowerCase().includes(text)),
      ),
    [rows, text, side],
  );

  return (
    <Page
      title="Executions"
      tools={
        <>
          <Choices label="Side" options={SIDES} chosen={side} onChoose={(next) => patch({ side: next })} />
          <SearchField label="Search executions" placeholder="Symbol or id" text={search["q"] ?? ""} onChange={(q) => patch({ q })} className="w-36" />
          <Staleness feed={feed} silenceMs={Number.POSITIVE_INFINITY} isStreamed onRetry={reload} hasRows={rows.length > 0} />
        </>
      }
      actions={
        <>
          <span className="text-small text-faint">{totalCount === null || totalCount <= rows.length ? found.length : `${found.length} of ${totalCount.toLocaleString("en")}`}</span>
          {loadOlder && (
            <button type="button" className="control" onClick={loadOlder}>
              Load older
            </button>
          )}
          <TableTools table={table} rows={found} />
        </>
      }
    >
      <LiveBody feed={feed} hasRows={rows.length > 0} onRetry={reload}>
        <LiveTable
          label="Executions"
          table={table}
          rows={found}
          rowKey={(row) => row.id}
          hasKeys
          empty={<Empty title="No executions.">Each fill stands here the moment it is booked.</Empty>}
        />
      </LiveBody>
    </Page>
  );
}
