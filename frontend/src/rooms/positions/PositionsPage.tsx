/** What the accounts hold, live, and how the result came about. */
import { useMemo, useState, type JSX } from "react";

import { BATCH_SILENCE_MS } from "../../shared/live/batches";
import { useBatches } from "../../shared/live/useBatches";
import { useShortcuts } from "../../shared/keyboard/shortcuts";
import { Drawer } from "../../shared/overlay/Drawer";
import { Page } from "../../shared/page/Page";
import { SearchField } from "../../shared/page/SearchField";
import { usePageSearch } from "../../shared/page/search";
import { Staleness } from "../../shared/page/Staleness";
import { Empty } from "../../shared/page/states";
import { useAccountIds } from "../../shared/session/accounts";
import { useMay } from "../../shared/session/viewer";
import { LiveBody } from "../../shared/table/LiveBody";
import { LiveTable } from "../../shared/table/LiveTable";
import { TableTools } from "../../shared/table/TableTools";
import { useTable } from "../../shared/table/useTable";
import { formatDecimal } from "../../shared/format/decimal";
import { money, NOTHING, Pnl } from "../../shared/format/Pnl";
import { Facts, Section } from "../orders/parts";
import { price } from "../orders/columns";
import { POSITION_COLUMNS } from "./columns";
import { Curves } from "./Curves";
import type { Position } from "./documents";
import { PositionActDialog, type PositionAct } from "./PositionActs";
import { POSITIONS } from "./source";

const THROTTLE_MS = 250;

export function PositionsPage(): JSX.Element {
  const [search, patch] = usePageSearch();
  const accountIds = useAccountIds();
  const { rows, feed, reload } = useBatches(POSITIONS, { accountIds: accountIds === null ? null : [...accountIds], throttleMs: THROTTLE_MS });
  const table = useTable("positions", POSITION_COLUMNS);
  const text = (search["q"] ?? "").trim().toLowerCase();
  const found = useMemo(() => rows.filter((row) => row.instrument.symbol.toLowerCase().includes(text)), [rows, text]);
  const open = rows.find((row) => row.id === search["position"]);

  return (
    <Page
      title="Positions & P&L"
      tools={
        <>
          <SearchField label="Search positions" placeholder="Symbol" text={search["q"] ?? ""} onChange={(q) => patch({ q })} className="w-32" />
          <Staleness feed={feed} silenceMs={BATCH_SILENCE_MS} isStreamed onRetry={reload} hasRows={rows.length > 0} />
        </>
      }
      actions={
        <>
          <span className="text-small text-faint">{found.length}</span>
          <TableTools table={table} rows={found} />
        </>
      }
    >
      <div className="flex min-h-0 flex-1">
        <div className="flex min-w-0 flex-1 flex-col overflow-auto">
          <Curves />
          <div className="flex min-h-60 flex-1 flex-col border-t border-line">
            <LiveBody feed={feed} hasRows={rows.length > 0} onRetry={reload}>
              <LiveTable
                label="Positions"
                table={table}
                rows={found}
                rowKey={(row) => row.id}
                onOpen={(row) => patch({ position: row.id })}
                openKey={open?.id ?? null}
                hasKeys
                empty={<Empty title="Nothing is held.">Positions come with the first fill, and go when they are flat.</Empty>}
              />
            </LiveBody>
          </div>
        </div>
        {open && <PositionDrawer key={open.id} position={open} onClose={() => patch({ position: undefined })} />}
      </div>
    </Page>
  );
}

function PositionDrawer({ position, onClose }: { position: Position; onClose: () => void }): JSX.Element {
  const mayPlace = useMay("PLACE_ORDERS");
  const [act, setAct] = useState<PositionAct | null>(null);
  useShortcuts(
    "Position",
    mayPlace
      ? [
          { keys: "c", label: "Close the position", run: () => setAct("close") },
          { keys: "r", label: "Reverse the position", run: () => setAct("reverse") },
        ]
      : [],
  );
  const { instrument } = position;
  return (
    <Drawer title={instrument.symbol} summary={<span className="truncate text-soft">{instrument.name}</span>} onClose={onClose}>
      {mayPlace && (
        <div className="flex gap-2 border-b border-line px-4 py-2">
          <button type="button" className="control" onClick={() => setAct("close")}>
            Close
          </button>
          <button type="button" className="control" onClick={() => setAct("reverse")}>
            Reverse
          </button>
        </div>
      )}
      <Section title="Position">
        <Facts
          facts={[
            ["Quantity", formatDecimal(position.quantity)],
            ["Average price", price(position.averagePrice, instrument.tickSize, 2)],
            ["Market price", price(position.marketPrice, instrument.tickSize)],
            ["Value", `${money(position.marketValue)} ${position.currency}`],
            ["Unrealized", <Pnl key="u" value={position.unrealizedPnl} />],
            ["Realized", <Pnl key="r" value={position.realizedPnl} />],
            ["Open buys", formatDecimal(position.openBuyQuantity)],
            ["Open sells", formatDecimal(position.openSellQuantity)],
          ]}
        />
      </Section>
      <Section title={`In ${position.baseCurrency}`}>
        <Facts
          facts={[
            ["Value", position.marketValueBase === null ? NOTHING : money(position.marketValueBase)],
            ["Unrealized", position.unrealizedPnlBase === null ? NOTHING : <Pnl key="u" value={position.unrealizedPnlBase} />],
            ["Realized", position.realizedPnlBase === null ? NOTHING : <Pnl key="r" value={position.realizedPnlBase} />],
            ["Commission", position.commissionBase === null ? NOTHING : money(position.commissionBase)],
          ]}
        />
      </Section>
      {act && <PositionActDialog act={act} position={position} onClose={() => setAct(null)} />}
    </Drawer>
  );
}
