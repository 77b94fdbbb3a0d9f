/** One limit: its terms, its last drill, its versions, what it would have blocked, and what can be done with it. */
import { useState, type JSX } from "react";

import { act } from "../../../shared/act/act";
import { Button } from "../../../shared/controls/Button";
import { Confirm } from "../../../shared/controls/Confirm";
import { Differences } from "../../../shared/controls/Differences";
import { Facts } from "../../../shared/controls/Facts";
import { formatTime } from "../../../shared/format/time";
import { useActors } from "../../../shared/identity/actors";
import { Drawer } from "../../../shared/overlay/Drawer";
import { toast } from "../../../shared/overlay/toasts";
import { Answered } from "../../../shared/query/Answered";
import { More } from "../../../shared/query/More";
import { pageOfConnection, usePages } from "../../../shared/query/usePages";
import { useMay } from "../../../shared/session/viewer";
import { Status } from "../../../shared/table/Status";
import { DELETE_LIMIT, DRILL_LIMITS, LIMIT_HISTORY, type Limit } from "../documents";
import { hasHistory } from "../history/curves";
import { UtilisationHistory } from "../history/UtilisationHistory";
import { amountInWords, conditionsInWords, drillState, KINDS, limitState, percentOf } from "../words";
import { LimitDialog } from "./LimitDialog";
import type { LimitRow } from "./LimitsTab";
import { ShadowSection } from "./ShadowSection";

interface LimitDrawerProps {
  row: LimitRow;
  onChanged: (words: string, isProposed: boolean) => void;
  onReload: () => void;
  onClose: () => void;
}

export function LimitDrawer({ row, onChanged, onReload, onClose }: LimitDrawerProps): JSX.Element {
  const { limit } = row;
  const mayManage = useMay("MANAGE_RISK");
  const nameOfActor = useActors();
  const [open, setOpen] = useState<"change" | "delete" | null>(null);
  const [isDrilling, setIsDrilling] = useState(false);

  async function drill(): Promise<void> {
    setIsDrilling(true);
    const outcome = await act(DRILL_LIMITS, { input: { limitIds: [limit.id] } });
    setIsDrilling(false);
    if (outcome.ok) onReload();
    else if (outcome.words !== "") toast("critical", "Not drilled", outcome.words);
  }

  return (
    <Drawer title={KINDS[limit.limitType].label} summary={<Status {...limitState(limit)} />} onClose={onClose}>
      {mayManage && (
        <div className="flex flex-wrap gap-2 border-b border-line px-4 py-2">
          <Button onClick={() => setOpen("change")}>Change</Button>
          <Button onClick={() => void drill()} disabled={isDrilling || !limit.isActive}>
            {isDrilling ? "Drilling" : "Drill"}
          </Button>
          <Button kind="danger" onClick={() => setOpen("delete")}>
            Delete
          </Button>
        </div>
      )}
      <section aria-label="Terms" className="border-b border-line px-4 py-3">
        <p className="pb-2 text-small text-soft">{KINDS[limit.limitType].asks}</p>
        <Facts
          facts={[
            ["Value", amountInWords(limit.limitType, limit.value, limit.currency)],
            ["Account", row.account],
            ["Instrument", row.symbol || "Every one"],
            ["Conditions", conditionsInWords(limit.conditions)],
            ["Warns at", limit.warnAt === null ? "80 %, the default" : `${percentOf(limit.warnAt)} %`],
            ["Holds from", limit.effectiveFrom && formatTime(limit.effectiveFrom)],
            ["Until", limit.effectiveUntil && formatTime(limit.effectiveUntil)],
            ["Created", `${nameOfActor(limit.createdBy)}, ${formatTime(limit.createdAt)}`],
            ["Last drill", <Status key="drill" {...drillState(limit)} />],
            ["Drilled", limit.lastDrilledAt && formatTime(limit.lastDrilledAt)],
            ["It said", limit.lastDrillMessage],
          ]}
        />
      </section>
      {hasHistory(limit.limitType) && <UtilisationHistory key={limit.id} limit={limit} />}
      {mayManage && <ShadowSection limit={limit} />}
      {mayManage && <History key={limit.version} limit={limit} nameOfActor={nameOfActor} />}
      {open === "change" && (
        <LimitDialog
          limit={limit}
          onDone={(words, isProposed) => {
            setOpen(null);
            onChanged(words, isProposed);
          }}
          onClose={() => setOpen(null)}
        />
      )}
      {open === "delete" && (
        <Confirm
          title="Delete the limit"
          submit="Delete"
          busy="Deleting"
          isDangerous
          reason="Why"
          isReasonOptional
          act={(reason) => act(DELETE_LIMIT, { input: { id: limit.id, expectedVersion: limit.version, reason: reason || null } })}
          onDone={(payload) => {
            const isProposed = payload.proposal !== null;
            onClose();
            onChanged(isProposed ? "It waits for a second person" : "The limit is gone", isProposed);
          }}
          onClose={() => setOpen(null)}
        >
          <p>
            {KINDS[limit.limitType].label}, {amountInWords(limit.limitType, limit.value, limit.currency)}, {row.account}. Its versions stay.
          </p>
        </Confirm>
      )}
    </Drawer>
  );
}

const HISTORY_PAGE = 10;
const ACTIONS = { CREATED: "Created", CHANGED: "Changed", DELETED: "Deleted" } as const;

function History({ limit, nameOfActor }: { limit: Limit; nameOfActor: (actor: string | null) => string }): JSX.Element {
  const pages = usePages(LIMIT_HISTORY, { limitId: limit.id, first: HISTORY_PAGE }, { pageOf: (data) => pageOfConnection(data.riskLimitHistory) });
  return (
    <section aria-label="Versions" className="py-2">
      <h3 className="px-4 pb-1 text-small font-medium text-faint">Versions</h3>
      <Answered answer={pages} what="the versions">
        {({ rows }) => (
          <ol>
            {rows.map((each) => (
              <li key={each.version} className="px-4 py-1">
                <details>
                  <summary className="cursor-pointer text-small">
                    <span className="font-medium">Version {each.version}</span> {ACTIONS[each.action].toLowerCase()}, {formatTime(each.recordedAt)} · {nameOfActor(each.changedBy)}
                    {each.approvedBy !== null && ` · approved: ${nameOfActor(each.approvedBy)}`}
                    {each.reason !== null && <span className="text-faint">: {each.reason}</span>}
                  </summary>
                  <div className="pt-2">
                    <Differences before={each.before} after={each.after} />
                  </div>
                </details>
              </li>
            ))}
          </ol>
        )}
      </Answered>
      <More pages={pages} what="versions" />
    </section>
  );
}
