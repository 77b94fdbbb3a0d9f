/** Every limit of the firm: what it asks, whether it holds, and when it was last proven. */
import { useMemo, useState, type JSX } from "react";

import { act } from "../../../shared/act/act";
import { Button } from "../../../shared/controls/Button";
import { FILTER } from "../../../shared/controls/Form";
import { useSymbols } from "../../../shared/instrument/names";
import { Menu, MenuItem } from "../../../shared/overlay/Menu";
import { toast } from "../../../shared/overlay/toasts";
import { usePageSearch } from "../../../shared/page/search";
import { Empty } from "../../../shared/page/states";
import { Answered } from "../../../shared/query/Answered";
import { More } from "../../../shared/query/More";
import { Stale } from "../../../shared/query/Stale";
import { pageOfConnection, usePages } from "../../../shared/query/usePages";
import { accountName, useAccounts } from "../../../shared/session/accounts";
import { useMay } from "../../../shared/session/viewer";
import type { LiveColumn } from "../../../shared/table/layout";
import { LiveTable } from "../../../shared/table/LiveTable";
import { Status } from "../../../shared/table/Status";
import { TableTools } from "../../../shared/table/TableTools";
import { useTable } from "../../../shared/table/useTable";
import { DRILL_LIMITS, LIMITS, type Limit } from "../documents";
import { Toolbar } from "../Toolbar";
import { amountInWords, conditionsInWords, drillState, KINDS, limitState } from "../words";
import { exportLimits, ImportDialog } from "./LimitFiles";
import { LimitDialog } from "./LimitDialog";
import { LimitDrawer } from "./LimitDrawer";
import { TemplateDialog } from "./TemplateDialog";

const PAGE = 200;
const LOOK_EVERY_MS = 15_000;

export interface LimitRow {
  limit: Limit;
  account: string;
  symbol: string;
}

type Open = "new" | "import" | "template" | null;

export function LimitsTab({ onProposed }: { onProposed: () => void }): JSX.Element {
  const [search, patch] = usePageSearch();
  const which = search["limits"] ?? "";
  const accounts = useAccounts();
  const mayManage = useMay("MANAGE_RISK");
  const filter = useMemo(
    () => ({ accountId: search["account"] ?? null, isActive: which === "off" ? false : which === "" ? null : true, isShadow: which === "shadow" ? true : null }),
    [search, which],
  );
  const pages = usePages(LIMITS, { filter, first: PAGE }, { pageOf: (data) => pageOfConnection(data.riskLimitPage), everyMs: LOOK_EVERY_MS });
  const found = pages.data?.rows ?? [];
  const symbolOf = useSymbols(found.map((limit) => limit.instrumentId));
  const rows: LimitRow[] = found.map((limit) => {
    const account = accounts.find((each) => each.id === limit.accountId);
    return { limit, account: limit.accountId === null ? "Every account" : account ? accountName(account) : "Another account", symbol: symbolOf(limit.instrumentId) };
  });
  const table = useTable("risk-limits", COLUMNS);
  const [open, setOpen] = useState<Open>(null);
  const opened = rows.find((row) => row.limit.id === search["limit"]);
  const close = (): void => setOpen(null);

  /** After a change: it counts at once, or waits for a second person. */
  function changed(words: string, isProposed: boolean): void {
    close();
    pages.reload();
    if (isProposed) onProposed();
    toast(isProposed ? "warn" : "ok", words, isProposed ? "The limit stands as it was until another person approves." : undefined);
  }

  return (
    <div className="flex min-h-0 flex-1">
      <div className="flex min-w-0 flex-1 flex-col">
        <Toolbar
          actions={
            <>
              {mayManage && (
                <Button kind="primary" onClick={() => setOpen("new")}>
                  New limit
                </Button>
              )}
              {mayManage && (
                <Menu label="More" align="end">
                  {(shut) => (
                    <div className="py-1">
                      <MenuItem
                        onClick={() => {
                          shut();
                          void drillAll(pages.reload);
                        }}
                      >
                        Drill every limit
                      </MenuItem>
                      <MenuItem
                        onClick={() => {
                          shut();
                          setOpen("template");
                        }}
                      >
                        Apply a template
                      </MenuItem>
                      <MenuItem
                        onClick={() => {
                          shut();
                          setOpen("import");
                        }}
                      >
                        Import CSV
                      </MenuItem>
                      <MenuItem
                        onClick={() => {
                          shut();
                          void exportLimits();
                        }}
                      >
                        Export for import
                      </MenuItem>
                    </div>
                  )}
                </Menu>
              )}
              <TableTools table={table} rows={rows} />
            </>
          }
        >
          <select aria-label="Which limits" value={which} onChange={(event) => patch({ limits: event.target.value })} className={FILTER}>
            <option value="">All</option>
            <option value="on">On</option>
            <option value="shadow">Shadows</option>
            <option value="off">Off</option>
          </select>
          <select aria-label="Covering" value={search["account"] ?? ""} onChange={(event) => patch({ account: event.target.value })} className={FILTER}>
            <option value="">Any account</option>
            {accounts.map((account) => (
              <option key={account.id} value={account.id}>
                {accountName(account)}
              </option>
            ))}
          </select>
          <Stale answer={pages} limitMs={3 * LOOK_EVERY_MS} />
        </Toolbar>
        <Answered answer={pages} what="the limits">
          {() => (
            <>
              <LiveTable
                label="Limits"
                table={table}
                rows={rows}
                rowKey={(row) => row.limit.id}
                onOpen={(row) => patch({ limit: row.limit.id })}
                openKey={opened?.limit.id ?? null}
                hasKeys
                empty={<Empty title="No limits.">Orders pass without being held against any.</Empty>}
              />
              <More pages={pages} what="limits" />
            </>
          )}
        </Answered>
      </div>
      {opened && <LimitDrawer key={opened.limit.id} row={opened} onChanged={changed} onReload={pages.reload} onClose={() => patch({ limit: undefined })} />}
      {open === "new" && <LimitDialog limit={null} onDone={changed} onClose={close} />}
      {open === "import" && <ImportDialog onChanged={pages.reload} onClose={close} />}
      {open === "template" && <TemplateDialog onDone={changed} onClose={close} />}
    </div>
  );
}

async function drillAll(onDone: () => void): Promise<void> {
  const outcome = await act(DRILL_LIMITS, { input: { limitIds: null } });
  if (!outcome.ok) {
    if (outcome.words !== "") toast("critical", "Not drilled", outcome.words);
    return;
  }
  const limits = outcome.payload.riskLimits;
  const silent = limits.filter((limit) => limit.lastDrillOutcome === "SILENT").length;
  if (silent > 0) toast("critical", `${silent} of ${limits.length} limits did not refuse`, "Look at those whose last drill is silent.");
  else toast("ok", `${limits.length} limits drilled`, "None was silent.");
  onDone();
}

const COLUMNS: readonly LiveColumn<LimitRow>[] = [
  { key: "type", header: "Limit", cell: ({ limit }) => KINDS[limit.limitType].label, text: ({ limit }) => limit.limitType, width: 150, isCompact: true },
  {
    key: "value",
    header: "Value",
    cell: ({ limit }) => amountInWords(limit.limitType, limit.value, limit.currency),
    text: ({ limit }) => limit.value ?? "",
    isNumber: true,
    width: 130,
    isCompact: true,
  },
  { key: "account", header: "Account", cell: (row) => row.account, text: (row) => row.account, width: 120 },
  { key: "symbol", header: "Instrument", cell: (row) => row.symbol || "Every one", text: (row) => row.symbol, width: 100 },
  {
    key: "conditions",
    header: "Conditions",
    cell: ({ limit }) => (
      <span className="truncate text-soft" title={conditionsInWords(limit.conditions)}>
        {conditionsInWords(limit.conditions)}
      </span>
    ),
    text: ({ limit }) => conditionsInWords(limit.conditions),
    width: 200,
  },
  {
    key: "state",
    header: "State",
    cell: ({ limit }) => <Status {...limitState(limit)} />,
    text: ({ limit }) => limitState(limit).label,
    width: 90,
    isCompact: true,
  },
  {
    key: "drill",
    header: "Last drill",
    cell: ({ limit }) => <Status {...drillState(limit)} />,
    text: ({ limit }) => limit.lastDrillOutcome ?? "",
    width: 130,
  },
  { key: "version", header: "Version", cell: ({ limit }) => limit.version, text: ({ limit }) => String(limit.version), isNumber: true, width: 70 },
];
