/** Circuit breakers, which halt by themselves, and the times that they did. */
import { useState, type JSX } from "react";

import { act, type Outcome } from "../../../shared/act/act";
import { useEditing, type Editing } from "../../../shared/act/useEditing";
import { Button } from "../../../shared/controls/Button";
import { Confirm } from "../../../shared/controls/Confirm";
import { Dialog } from "../../../shared/controls/Dialog";
import { ActForm, CheckField, SelectField, TextField, textOf, textOrNull } from "../../../shared/controls/Form";
import { formatDecimal } from "../../../shared/format/decimal";
import { formatTime } from "../../../shared/format/time";
import type { VariablesOf } from "../../../shared/graphql/document";
import { useActors } from "../../../shared/identity/actors";
import { tripsTopic, haltsTopic } from "../../../shared/live/topics";
import { useNews, useReload } from "../../../shared/live/useNews";
import { Answered, Section } from "../../../shared/query/Answered";
import { More } from "../../../shared/query/More";
import { useAnswer } from "../../../shared/query/useAnswer";
import { pageOfConnection, usePages } from "../../../shared/query/usePages";
import { accountName, useAccounts } from "../../../shared/session/accounts";
import { useMay } from "../../../shared/session/viewer";
import { Status } from "../../../shared/table/Status";
import { actsColumn } from "../../../shared/table/actsColumn";
import { Table, type Column } from "../../../shared/table/Table";
import { Words } from "../../../shared/table/Words";
import { BREAKERS, DELETE_BREAKER, SET_BREAKER, TRIPS, type Breaker, type Trip } from "./documents";

const LOOK_EVERY_MS = 5_000;
const PAGE = 50;

type Kind = Breaker["kind"];
type Managing = Editing<Breaker> & { confirm: (breaker: Breaker) => void; isOfAnother: (breaker: Breaker) => boolean };

const KINDS: Record<Kind, { label: string; threshold: string; isCounted: boolean }> = {
  LOSS: { label: "Loss of the day", threshold: "At a loss of", isCounted: false },
  DRAWDOWN: { label: "Drawdown", threshold: "At percent below the peak", isCounted: false },
  REJECT_RATE: { label: "Rejected orders", threshold: "At percent rejected", isCounted: true },
  DISCONNECTS: { label: "Broker lost", threshold: "At so many times", isCounted: true },
  MESSAGE_RATE: { label: "Messages", threshold: "At so many messages", isCounted: true },
};

/** 25,000 USD, 5 %, 3 within 60 s: what a breaker trips at. */
export function thresholdInWords(breaker: Pick<Breaker, "kind" | "threshold" | "currency" | "windowSeconds">): string {
  const told = formatDecimal(breaker.threshold);
  switch (breaker.kind) {
    case "LOSS":
      return `${told} ${breaker.currency ?? "of the base currency"}`;
    case "DRAWDOWN":
      return `${told} %`;
    case "REJECT_RATE":
      return `${told} % within ${breaker.windowSeconds} s`;
    default:
      return `${told} within ${breaker.windowSeconds} s`;
  }
}

export function BreakersTab(): JSX.Element {
  const answer = useAnswer(BREAKERS, {}, { everyMs: LOOK_EVERY_MS });
  const news = useNews(tripsTopic, LOOK_EVERY_MS);
  const trips = usePages(TRIPS, { first: PAGE }, { pageOf: (data) => pageOfConnection(data.circuitBreakerTrips), everyMs: news.everyMs });
  useReload(news, trips.reload);
  // That a halt was released shows at its trip.
  useReload(useNews(haltsTopic, LOOK_EVERY_MS), trips.reload);
  const mayManage = useMay("MANAGE_RISK");
  const accounts = useAccounts();
  const acts = useEditing<Breaker>(answer.reload);
  const { editing, deleting, close, done } = acts;
  const nameOfActor = useActors();
  const [confirming, setConfirming] = useState<Breaker | null>(null);
  const managing = mayManage ? { ...acts, confirm: setConfirming, isOfAnother: (row: Breaker) => row.proposal !== null && nameOfActor(row.proposal.proposedBy) !== "You" } : null;
  function nameOf(id: string | null): string {
    const account = accounts.find((each) => each.id === id);
    return id === null ? "The whole firm" : account ? accountName(account) : "Another account";
  }

  return (
    <>
      <Section
        title="Circuit breakers"
        about="Each halts by itself at its figure, once. A person releases the halt. What loosens one may wait until another person confirms it."
        answer={answer}
        staleMs={4 * LOOK_EVERY_MS}
        isTable
        actions={mayManage && <Button kind="primary" onClick={acts.make}>New breaker</Button>}
      >
        <Answered answer={answer} what="the circuit breakers" empty={({ circuitBreakers }) => (circuitBreakers.length > 0 ? null : { title: "No circuit breakers.", words: "Nothing halts by itself." })}>
          {({ circuitBreakers }) => <Table label="Circuit breakers" file="circuit-breakers" columns={breakerColumns(nameOf, managing)} rows={circuitBreakers} rowKey={(row) => row.id} />}
        </Answered>
      </Section>
      <Section title="Trips" answer={trips} isTable>
        <Answered answer={trips} what="the trips" empty={({ rows }) => (rows.length > 0 ? null : { title: "None has tripped." })}>
          {({ rows }) => <Table label="Trips" file="circuit-breaker-trips" columns={tripColumns(nameOf)} rows={rows} rowKey={(row) => row.id} />}
        </Answered>
        <More pages={trips} what="trips" />
      </Section>
      {editing && <BreakerDialog breaker={editing === "new" ? null : editing} onDone={(breaker) => done(wordsOf(breaker, "The circuit breaker holds from now on"))} onClose={close} />}
      {confirming?.proposal && (
        <Confirm
          title="Confirm what was proposed"
          submit="Confirm"
          busy="Confirming"
          isDangerous
          act={() => repeated(confirming)}
          onDone={() => {
            setConfirming(null);
            done("Confirmed: it counts from now on");
          }}
          onClose={() => setConfirming(null)}
        >
          <p>
            {nameOfActor(confirming.proposal.proposedBy)} wants to {wantedInWords(confirming)}: {KINDS[confirming.kind].label}, {thresholdInWords(confirming)}, {nameOf(confirming.accountId)}. You ask for the same, and it counts at once.
          </p>
          <p className="text-soft">{confirming.proposal.why.join("; ")}</p>
        </Confirm>
      )}
      {deleting && (
        <Confirm
          title="Delete the circuit breaker"
          submit="Delete"
          busy="Deleting"
          isDangerous
          act={() => act(DELETE_BREAKER, { input: { id: deleting.id } })}
          onDone={(payload) => done(wordsOf(payload.circuitBreaker, "The circuit breaker is gone"))}
          onClose={close}
        >
          <p>
            {KINDS[deleting.kind].label}, {thresholdInWords(deleting)}, {nameOf(deleting.accountId)}. Its trips stay, and a halt that it set.
          </p>
        </Confirm>
      )}
    </>
  );
}

/** What a proposal wants, before a colon. */
export function wantedInWords({ kind, proposal }: Pick<Breaker, "kind" | "proposal">): string {
  if (proposal === null || proposal.isDeletion) return "delete the circuit breaker";
  const { threshold, currency, windowSeconds } = proposal;
  if (proposal.isActive === false) return "switch the circuit breaker off";
  return threshold === null ? "change the circuit breaker" : `let the circuit breaker trip at ${thresholdInWords({ kind, threshold, currency, windowSeconds: windowSeconds ?? 0 })}`;
}

/** The same as the first person asked for, which is how the second one agrees. */
export function inputOfProposal(breaker: Breaker): VariablesOf<typeof SET_BREAKER>["input"] {
  const { id, version, kind, accountId, proposal } = breaker;
  return {
    id,
    expectedVersion: version,
    kind,
    accountId,
    threshold: proposal?.threshold ?? breaker.threshold,
    currency: proposal === null ? breaker.currency : proposal.currency,
    mode: proposal?.mode ?? breaker.mode,
    windowSeconds: proposal?.windowSeconds ?? breaker.windowSeconds,
    minimumOrders: proposal?.minimumOrders ?? breaker.minimumOrders,
    cooldownSeconds: proposal?.cooldownSeconds ?? breaker.cooldownSeconds,
    isActive: proposal?.isActive ?? breaker.isActive,
  };
}

async function repeated(breaker: Breaker): Promise<Outcome<unknown>> {
  if (breaker.proposal?.isDeletion) return await act(DELETE_BREAKER, { input: { id: breaker.id } });
  return await act(SET_BREAKER, { input: inputOfProposal(breaker) });
}

/** A breaker as a mutation answers it: with what waits of it. */
type Kept = { proposal: { why: readonly string[] } | null };

function wordsOf(breaker: Kept | null, words: string): string {
  return breaker?.proposal ? "This loosens it, and waits until another person confirms it here" : words;
}

function StateOf({ breaker }: { breaker: Breaker }): JSX.Element {
  return (
    <span className="inline-flex flex-wrap gap-2">
      {breaker.isActive ? <Status tone="ok" label="Active" /> : <Status tone="ended" label="Inactive" />}
      {breaker.isActive && breaker.blindSince !== null && <Status tone="warn" label={`Cannot see all accounts since ${formatTime(breaker.blindSince)}`} />}
      {breaker.proposal && <Status tone="pending" label={`Waits for a second person: ${breaker.proposal.why.join("; ")}`} />}
    </span>
  );
}

function BreakerDialog({ breaker, onDone, onClose }: { breaker: Breaker | null; onDone: (breaker: Kept | null) => void; onClose: () => void }): JSX.Element {
  const accounts = useAccounts();
  const [kind, setKind] = useState<Kind>(breaker?.kind ?? "LOSS");
  return (
    <Dialog title={breaker ? `Change: ${KINDS[kind].label}` : "New circuit breaker"} onClose={onClose} isWide>
      <ActForm submit="Save" busy="Saving" act={(form) => act(SET_BREAKER, { input: inputOf(form, breaker, kind) })} onDone={(payload) => onDone(payload.circuitBreaker)} onCancel={onClose}>
        {!breaker && (
          <div className="grid gap-3 sm:grid-cols-2">
            <SelectField
              name="kind"
              label="What it watches"
              value={kind}
              onChange={(next) => setKind(next as Kind)}
              choices={(Object.keys(KINDS) as Kind[]).map((each) => ({ value: each, label: KINDS[each].label }))}
            />
            <SelectField name="accountId" label="Account" choices={[{ value: "", label: "The whole firm, together" }, ...accounts.map((each) => ({ value: each.id, label: accountName(each) }))]} />
          </div>
        )}
        <div className="grid gap-3 sm:grid-cols-2">
          <TextField name="threshold" label={KINDS[kind].threshold} inputMode="decimal" defaultValue={breaker?.threshold ?? ""} />
          {kind === "LOSS" && <TextField name="currency" label="Currency" hint="Nothing for the base currency" defaultValue={breaker?.currency ?? ""} maxLength={3} isOptional />}
          {KINDS[kind].isCounted && <TextField name="windowSeconds" label="Window, seconds" type="number" min="1" max="3600" defaultValue={String(breaker?.windowSeconds ?? 60)} />}
          {kind === "REJECT_RATE" && <TextField name="minimumOrders" label="Once so many orders were asked for" type="number" min="1" defaultValue={String(breaker?.minimumOrders ?? 20)} />}
          <SelectField
            name="mode"
            label="Action"
            defaultValue={breaker?.mode ?? "REDUCE_ONLY"}
            choices={[
              { value: "REDUCE_ONLY", label: "Orders may only reduce positions" },
              { value: "HALTED", label: "Nothing passes" },
            ]}
          />
          <TextField name="cooldownSeconds" label="Cooldown after a release, seconds" type="number" min="0" max="86400" defaultValue={String(breaker?.cooldownSeconds ?? 60)} />
        </div>
        <CheckField name="isActive" label="Active" defaultChecked={breaker?.isActive ?? true} />
      </ActForm>
    </Dialog>
  );
}

function inputOf(form: FormData, breaker: Breaker | null, kind: Kind): VariablesOf<typeof SET_BREAKER>["input"] {
  const count = (name: string, held: number | undefined, usual: number): number => (form.has(name) ? Number(textOf(form, name)) : (held ?? usual));
  return {
    ...(breaker ? { id: breaker.id, expectedVersion: breaker.version } : {}),
    kind,
    accountId: breaker ? breaker.accountId : textOrNull(form, "accountId"),
    threshold: textOf(form, "threshold"),
    currency: kind === "LOSS" ? textOf(form, "currency").toUpperCase() || null : null,
    mode: textOf(form, "mode") === "HALTED" ? "HALTED" : "REDUCE_ONLY",
    windowSeconds: count("windowSeconds", breaker?.windowSeconds, 60),
    minimumOrders: count("minimumOrders", breaker?.minimumOrders, 20),
    cooldownSeconds: count("cooldownSeconds", breaker?.cooldownSeconds, 60),
    isActive: form.get("isActive") !== null,
  };
}

function breakerColumns(nameOf: (id: string | null) => string, acts: Managing | null): Column<Breaker>[] {
  return [
    { key: "kind", header: "Trigger", cell: (row) => KINDS[row.kind].label },
    { key: "threshold", header: "Trips at", cell: thresholdInWords, isNumber: true },
    { key: "account", header: "Account", cell: (row) => nameOf(row.accountId), className: "max-sm:hidden" },
    { key: "mode", header: "Action", cell: (row) => (row.mode === "HALTED" ? "Nothing passes" : "Reduce only"), className: "max-sm:hidden" },
    { key: "rest", header: "Cooldown", cell: (row) => `${row.cooldownSeconds} s`, isNumber: true, className: "max-md:hidden" },
    { key: "state", header: "State", text: (row) => (row.isActive ? "on" : "off"), cell: (row) => <StateOf breaker={row} />, className: "max-sm:hidden" },
    ...(acts === null ? [] : [confirmColumn(acts), actsColumn(acts)]),
  ];
}

/** What waits is agreed to where it stands, by anybody but who asked for it. */
function confirmColumn({ isOfAnother, confirm }: Managing): Column<Breaker> {
  return {
    key: "confirm",
    header: "",
    isNumber: true,
    cell: (row) =>
      isOfAnother(row) && (
        <Button kind="word" onClick={() => confirm(row)}>
          Confirm
        </Button>
      ),
  };
}

function tripColumns(nameOf: (id: string | null) => string): Column<Trip>[] {
  return [
    { key: "when", header: "When", text: (row) => row.trippedAt, cell: (row) => formatTime(row.trippedAt) },
    { key: "kind", header: "Watched", cell: (row) => KINDS[row.kind].label, className: "max-sm:hidden" },
    { key: "account", header: "Account", cell: (row) => nameOf(row.accountId), className: "max-sm:hidden" },
    { key: "reason", header: "Why", text: (row) => row.reason, cell: (row) => <Words>{row.reason}</Words> },
    { key: "state", header: "Halt", text: (row) => row.resumedAt ?? "in force", cell: (row) => (row.resumedAt === null ? <Status tone="critical" label="In force" /> : <Status tone="ended" label={`Released ${formatTime(row.resumedAt)}`} />) },
  ];
}
