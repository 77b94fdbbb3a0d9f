/** Halts of trading: those in force, those released, what kill switches did; set one, release one. */
import { useState, type JSX } from "react";

import { ReleaseHalt } from "../../killswitch/ReleaseHalt";
import { coverOf } from "../../killswitch/halts";
import { act, type Outcome } from "../../../shared/act/act";
import { Button } from "../../../shared/controls/Button";
import { Dialog } from "../../../shared/controls/Dialog";
import { ActForm, AreaField, SelectField, TextField, textOf } from "../../../shared/controls/Form";
import { formatTime } from "../../../shared/format/time";
import { useActors } from "../../../shared/identity/actors";
import { findInstrument } from "../../../shared/instrument/find";
import { useSymbols } from "../../../shared/instrument/names";
import { haltsTopic } from "../../../shared/live/topics";
import { useNews, useReload } from "../../../shared/live/useNews";
import { toast } from "../../../shared/overlay/toasts";
import { Answered, Section } from "../../../shared/query/Answered";
import { More } from "../../../shared/query/More";
import { useAnswer } from "../../../shared/query/useAnswer";
import { pageOfConnection, usePages } from "../../../shared/query/usePages";
import { accountName, useAccounts } from "../../../shared/session/accounts";
import { useMay } from "../../../shared/session/viewer";
import { Status } from "../../../shared/table/Status";
import { Table, type Column } from "../../../shared/table/Table";
import { Words } from "../../../shared/table/Words";
import { HALT_TRADING, HALTS_PAGE, KILL_SWITCHES, type KillSwitchRun, type PastHalt } from "./documents";

const LOOK_EVERY_MS = 3_000;
const PAST = 50;
const RUNS = 20;

export function HaltsTab(): JSX.Element {
  const news = useNews(haltsTopic, LOOK_EVERY_MS);
  const active = useAnswer(HALTS_PAGE, { active: true, first: PAST }, { everyMs: news.everyMs });
  const past = useAnswer(HALTS_PAGE, { active: false, first: PAST }, { everyMs: 10 * LOOK_EVERY_MS });
  useReload(news, active.reload);
  useReload(news, past.reload);
  const runs = usePages(KILL_SWITCHES, { first: RUNS }, { pageOf: (data) => pageOfConnection(data.killSwitches), everyMs: 10 * LOOK_EVERY_MS });
  const mayHalt = useMay("MANAGE_RISK");
  const accounts = useAccounts();
  const nameOfActor = useActors();
  const symbolOf = useSymbols([...(active.data?.tradingHalts ?? []), ...(past.data?.tradingHalts ?? [])].map((halt) => (halt.scope === "INSTRUMENT" ? halt.targetId : null)));
  const [isHalting, setIsHalting] = useState(false);
  const [releasing, setReleasing] = useState<PastHalt | null>(null);
  const cover = (halt: Pick<PastHalt, "scope" | "targetId">): string => (halt.scope === "INSTRUMENT" ? symbolOf(halt.targetId) : sentence(coverOf(halt, accounts)));

  function reload(): void {
    active.reload();
    past.reload();
  }

  return (
    <>
      <Section
        title="In force"
        about="A halt stops new risk the moment it is set. Cancels pass in every mode."
        answer={active}
        staleMs={4 * news.everyMs}
        isTable
        actions={mayHalt && <Button kind="danger" onClick={() => setIsHalting(true)}>Halt trading</Button>}
      >
        <Answered answer={active} what="the halts" empty={({ tradingHalts }) => (tradingHalts.length > 0 ? null : { title: "Nothing is halted." })}>
          {({ tradingHalts }) => <Table label="Halts in force" file="halts" columns={activeColumns(cover, nameOfActor, mayHalt, setReleasing)} rows={tradingHalts} rowKey={(row) => row.id} />}
        </Answered>
      </Section>
      <Section title="Released" answer={past} isTable>
        <Answered answer={past} what="the halts" empty={({ tradingHalts }) => (tradingHalts.length > 0 ? null : { title: "No halt was released yet." })}>
          {({ tradingHalts }) => <Table label="Halts that were released" file="halts-released" columns={pastColumns(cover, nameOfActor)} rows={tradingHalts} rowKey={(row) => row.id} />}
        </Answered>
      </Section>
      <Section title="Kill switches and drills" answer={runs} isTable>
        <Answered answer={runs} what="the kill switches" empty={({ rows }) => (rows.length > 0 ? null : { title: "It was never used nor rehearsed.", words: "A drill from the top bar tells what it would do, and touches nothing." })}>
          {({ rows }) => <Table label="Kill switches and drills" file="kill-switches" columns={runColumns(cover, nameOfActor)} rows={rows} rowKey={(row) => row.id} />}
        </Answered>
        <More pages={runs} what="runs" />
      </Section>
      {isHalting && (
        <HaltDialog
          onDone={() => {
            setIsHalting(false);
            reload();
            toast("ok", "Halted");
          }}
          onClose={() => setIsHalting(false)}
        />
      )}
      {releasing && <ReleaseHalt halt={releasing} onReleased={reload} onClose={() => setReleasing(null)} />}
    </>
  );
}

function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const FIRM = "firm";
const INSTRUMENT = "instrument";

function HaltDialog({ onDone, onClose }: { onDone: () => void; onClose: () => void }): JSX.Element {
  const accounts = useAccounts();
  const [target, setTarget] = useState(FIRM);
  async function send(form: FormData): Promise<Outcome<unknown>> {
    const found = target === INSTRUMENT ? await findInstrument(textOf(form, "symbol")) : null;
    if (found && "problem" in found) return { ok: false, words: found.problem, code: null, complaints: [{ code: "", message: found.problem, path: ["symbol"] }] };
    const scope = target === FIRM ? "TENANT" : found ? "INSTRUMENT" : "ACCOUNT";
    const targetId = target === FIRM ? null : (found?.id ?? target);
    const mode = textOf(form, "mode") === "REDUCE_ONLY" ? "REDUCE_ONLY" : "HALTED";
    return await act(HALT_TRADING, { input: { scope, targetId, mode, reason: textOf(form, "reason") } });
  }
  return (
    <Dialog title="Halt trading" onClose={onClose}>
      <ActForm submit="Halt" busy="Halting" kind="danger" act={send} onDone={onDone} onCancel={onClose}>
        <SelectField
          name="targetId"
          label="What it covers"
          value={target}
          onChange={setTarget}
          choices={[
            { value: FIRM, label: "The whole firm" },
            ...accounts.map((each) => ({ value: each.id, label: accountName(each) })),
            { value: INSTRUMENT, label: "One instrument, over all accounts" },
          ]}
        />
        {target === INSTRUMENT && <TextField name="symbol" label="Symbol" />}
        <SelectField
          name="mode"
          label="What still passes"
          choices={[
            { value: "HALTED", label: "Nothing" },
            { value: "REDUCE_ONLY", label: "Only what makes a position smaller" },
          ]}
          hint="Working orders stay; the kill switch in the top bar cancels them, too"
        />
        <AreaField name="reason" label="Why" maxLength={500} />
      </ActForm>
    </Dialog>
  );
}

type Cover = (halt: Pick<PastHalt, "scope" | "targetId">) => string;
type Named = (actor: string | null) => string;

function Mode({ halt }: { halt: PastHalt }): JSX.Element {
  return halt.mode === "HALTED" ? <Status tone="critical" label="Nothing passes" /> : <Status tone="warn" label="Reduce only" />;
}

function origin(halt: PastHalt): string {
  return halt.killSwitch ? "Kill switch" : halt.automatic ? "By itself" : "By hand";
}

function activeColumns(cover: Cover, named: Named, mayRelease: boolean, onRelease: (halt: PastHalt) => void): Column<PastHalt>[] {
  return [
    { key: "cover", header: "Covers", cell: cover },
    { key: "mode", header: "Mode", text: (row) => row.mode, cell: (row) => <Mode halt={row} />, className: "max-sm:hidden" },
    { key: "reason", header: "Why", text: (row) => row.reason, cell: (row) => <Words>{row.reason}</Words> },
    { key: "origin", header: "How", cell: origin, className: "max-md:hidden" },
    { key: "by", header: "By", cell: (row) => named(row.haltedBy), className: "max-md:hidden" },
    { key: "since", header: "Since", text: (row) => row.haltedAt, cell: (row) => formatTime(row.haltedAt), className: "max-sm:hidden" },
    ...(mayRelease ? [{ key: "act", header: "", isNumber: true, cell: (row: PastHalt) => <Button kind="word" onClick={() => onRelease(row)}>Release</Button> }] : []),
  ];
}

function pastColumns(cover: Cover, named: Named): Column<PastHalt>[] {
  return [
    { key: "cover", header: "Covered", cell: cover },
    { key: "mode", header: "Mode", text: (row) => row.mode, cell: (row) => <Mode halt={row} />, className: "max-md:hidden" },
    { key: "reason", header: "Why", text: (row) => row.reason, cell: (row) => <Words isSoft>{row.reason}</Words>, className: "max-sm:hidden" },
    { key: "by", header: "By", cell: (row) => named(row.haltedBy), className: "max-md:hidden" },
    { key: "since", header: "From", text: (row) => row.haltedAt, cell: (row) => formatTime(row.haltedAt), className: "max-sm:hidden" },
    { key: "until", header: "Until", text: (row) => row.resumedAt, cell: (row) => row.resumedAt && formatTime(row.resumedAt) },
    { key: "released", header: "Released by", cell: (row) => named(row.resumedBy) },
    { key: "why", header: "Said", text: (row) => row.resumeReason, cell: (row) => <Words isSoft>{row.resumeReason}</Words>, className: "max-md:hidden" },
  ];
}

function runColumns(cover: Cover, named: Named): Column<KillSwitchRun>[] {
  return [
    { key: "when", header: "When", text: (row) => row.activatedAt, cell: (row) => formatTime(row.activatedAt) },
    { key: "kind", header: "What", text: (row) => (row.drill ? "drill" : "kill switch"), cell: (row) => (row.drill ? <Status tone="ended" label="Drill" /> : <Status tone="critical" label="Kill switch" />) },
    { key: "cover", header: "Covered", cell: cover, className: "max-sm:hidden" },
    { key: "by", header: "By", cell: (row) => named(row.activatedBy), className: "max-md:hidden" },
    { key: "reason", header: "Why", text: (row) => row.reason, cell: (row) => <Words isSoft>{row.reason}</Words>, className: "max-md:hidden" },
    { key: "orders", header: "Orders", isNumber: true, cell: (row) => row.ordersCancelled },
    { key: "positions", header: "Positions", isNumber: true, text: (row) => (row.closePositions ? row.positionsClosing : null), cell: (row) => (row.closePositions ? row.positionsClosing : "–"), className: "max-sm:hidden" },
    { key: "state", header: "State", cell: (row) => runState(row), className: "max-sm:hidden" },
  ];
}

function runState(run: KillSwitchRun): JSX.Element {
  const problems = run.accounts.flatMap((account) => account.errors).length;
  if (problems > 0) return <Status tone="warn" label={problems === 1 ? "1 problem" : `${problems} problems`} />;
  return run.finishedAt === null && !run.drill ? <Status tone="working" label="Goes on" /> : <Status tone="ok" label="Done" />;
}
