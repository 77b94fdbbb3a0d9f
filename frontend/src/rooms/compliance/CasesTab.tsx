/** Cases of surveillance: what was found, by whom it is looked into, and how it ended. */
import { useState, type JSX } from "react";

import { act } from "../../shared/act/act";
import { Button } from "../../shared/controls/Button";
import { Confirm } from "../../shared/controls/Confirm";
import { Facts } from "../../shared/controls/Facts";
import { ActForm, AreaField, FILTER, SelectField, textOf } from "../../shared/controls/Form";
import { formatTime } from "../../shared/format/time";
import { useActors } from "../../shared/identity/actors";
import { Drawer } from "../../shared/overlay/Drawer";
import { casesTopic } from "../../shared/live/topics";
import { useNews, useReload } from "../../shared/live/useNews";
import { toast } from "../../shared/overlay/toasts";
import { RoomLink } from "../../shared/page/links";
import { usePageSearch } from "../../shared/page/search";
import { Answered, Section } from "../../shared/query/Answered";
import { More } from "../../shared/query/More";
import { useAnswer } from "../../shared/query/useAnswer";
import { pageOfConnection, usePages } from "../../shared/query/usePages";
import { Status } from "../../shared/table/Status";
import { Table, type Column } from "../../shared/table/Table";
import { Words } from "../../shared/table/Words";
import { CASE, CASES, CLOSE_CASE, TAKE_CASE, WRITE_NOTE, type Case, type CaseFile } from "./documents";
import { CASE_KINDS, CASE_STATES, DISPOSITIONS } from "./words";

const PAGE = 50;
const LOOK_EVERY_MS = 10_000;

export function CasesTab(): JSX.Element {
  const [search, patch] = usePageSearch();
  const isAll = search["cases"] === "all";
  const news = useNews(casesTopic, LOOK_EVERY_MS);
  const pages = usePages(
    CASES,
    { states: isAll ? null : ["OPEN", "UNDER_REVIEW"], kinds: null, first: PAGE },
    { pageOf: (data) => pageOfConnection(data.surveillanceCases), everyMs: news.everyMs },
  );
  useReload(news, pages.reload);
  const nameOfActor = useActors();
  return (
    <div className="flex min-h-0 flex-1">
      <div className="flex min-w-0 flex-1 flex-col overflow-auto">
        <Section
          title="Cases"
          about="A case is no verdict: a pattern in orders and executions that somebody must look into. Two persons close it."
          answer={pages}
          staleMs={4 * news.everyMs}
          isTable
          actions={
            <select aria-label="Which cases" className={FILTER} value={isAll ? "all" : ""} onChange={(event) => patch({ cases: event.target.value })}>
              <option value="">Not closed</option>
              <option value="all">All</option>
            </select>
          }
        >
          <Answered answer={pages} what="the cases" empty={({ rows }) => (rows.length > 0 ? null : { title: "No case is open.", words: "Orders and executions are looked through every minute." })}>
            {({ rows }) => (
              <>
                <Table label="Cases" file="cases" columns={columnsOf(nameOfActor, (one) => patch({ case: one.id }))} rows={rows} rowKey={(row) => row.id} />
                <More pages={pages} what="cases" />
              </>
            )}
          </Answered>
        </Section>
      </div>
      {search["case"] && <CaseDrawer key={search["case"]} id={search["case"]} nameOfActor={nameOfActor} onChanged={pages.reload} onClose={() => patch({ case: undefined })} />}
    </div>
  );
}

interface CaseDrawerProps {
  id: string;
  nameOfActor: (actor: string | null) => string;
  onChanged: () => void;
  onClose: () => void;
}

function CaseDrawer({ id, nameOfActor, onChanged, onClose }: CaseDrawerProps): JSX.Element {
  const answer = useAnswer(CASE, { id }, { everyMs: LOOK_EVERY_MS });
  const one = answer.data?.surveillanceCase.case;
  function changed(words: string): void {
    answer.reload();
    onChanged();
    toast("ok", words);
  }
  return (
    <Drawer title={one ? CASE_KINDS[one.kind] : "Case"} summary={one && <Status {...CASE_STATES[one.state]} />} onClose={onClose}>
      <Answered answer={answer} what="the case">
        {({ surveillanceCase: file }) => <File file={file} nameOfActor={nameOfActor} onChanged={changed} />}
      </Answered>
    </Drawer>
  );
}

function File({ file, nameOfActor, onChanged }: { file: CaseFile; nameOfActor: (actor: string | null) => string; onChanged: (words: string) => void }): JSX.Element {
  const one = file.case;
  const [isClosing, setIsClosing] = useState(false);
  const isClosed = one.state === "CLOSED";
  async function take(): Promise<void> {
    const outcome = await act(TAKE_CASE, { input: { caseId: one.id, expectedVersion: one.version } });
    if (outcome.ok) onChanged("The case is yours");
    else if (outcome.words !== "") toast("critical", "Not taken", outcome.words);
  }
  return (
    <>
      {!isClosed && (
        <div className="flex flex-wrap gap-2 border-b border-line px-4 py-2">
          <Button onClick={() => void take()}>Take it</Button>
          <Button kind="primary" onClick={() => setIsClosing(true)}>
            {one.disposition === null ? "Propose an end" : "Say what it was"}
          </Button>
        </div>
      )}
      <section aria-label="What was found" className="border-b border-line px-4 py-3">
        <p className="pb-2">{one.summary}</p>
        <Facts
          facts={[
            ["Happened", formatTime(one.occurredAt)],
            ["Found", formatTime(one.openedAt)],
            ["With", nameOfActor(one.assignee) || "Nobody yet"],
            ["Held to be", one.disposition && `${DISPOSITIONS[one.disposition]}${isClosed ? "" : ", proposed"}`],
            ["Because", one.dispositionReason],
            ["Proposed by", nameOfActor(one.proposedBy)],
            ["Closed by", nameOfActor(one.closedBy)],
          ]}
        />
      </section>
      <section aria-label="Evidence" className="border-b border-line px-4 py-3">
        <h3 className="pb-1 text-small font-medium text-faint">
          Evidence: {one.orderIds.length} orders, {one.executionIds.length} executions
        </h3>
        <ul className="max-h-40 overflow-auto text-small">
          {one.orderIds.map((id, index) => (
            <li key={id}>
              <RoomLink to="/orders" search={{ order: id }}>{`Order ${index + 1}, …${id.slice(-6)}`}</RoomLink>
            </li>
          ))}
        </ul>
      </section>
      <section aria-label="Notes" className="px-4 py-3">
        <h3 className="pb-1 text-small font-medium text-faint">Notes</h3>
        <ul className="flex flex-col gap-2 pb-3 text-small">
          {file.notes.map((note) => (
            <li key={note.id}>
              <span className="text-faint">
                {nameOfActor(note.writtenBy)}, {formatTime(note.writtenAt)}
              </span>
              <p className="wrap-anywhere whitespace-pre-wrap">{note.note}</p>
            </li>
          ))}
        </ul>
        {!isClosed && (
          <ActForm submit="Add the note" busy="Adding" kind="plain" isCleared act={(form) => act(WRITE_NOTE, { input: { caseId: one.id, note: textOf(form, "note") } })} onDone={() => onChanged("The note is kept")}>
            <AreaField name="note" label="Note" hint="It stays" maxLength={2000} />
          </ActForm>
        )}
      </section>
      {isClosing && <CloseDialog one={one} onDone={onChanged} onClose={() => setIsClosing(false)} />}
    </>
  );
}

function CloseDialog({ one, onDone, onClose }: { one: CaseFile["case"]; onDone: (words: string) => void; onClose: () => void }): JSX.Element {
  const [disposition, setDisposition] = useState<keyof typeof DISPOSITIONS>(one.disposition ?? "NO_VIOLATION");
  return (
    <Confirm
      title="What the case was"
      submit="Say so"
      busy="Saying so"
      reason="Why"
      act={(reason) => act(CLOSE_CASE, { input: { caseId: one.id, disposition, reason, expectedVersion: one.version } })}
      onDone={({ case: told }) => {
        onClose();
        onDone(told?.state === "CLOSED" ? "The case is closed" : "It is proposed: a second person must say the same");
      }}
      onClose={onClose}
    >
      <p>The first one proposes; another who says the same closes it. Nobody does so whose orders it is about.</p>
      <SelectField
        name="disposition"
        label="It was"
        value={disposition}
        onChange={(next) => setDisposition(next === "VIOLATION" ? "VIOLATION" : "NO_VIOLATION")}
        choices={Object.entries(DISPOSITIONS).map(([value, label]) => ({ value, label }))}
      />
    </Confirm>
  );
}

function columnsOf(nameOfActor: (actor: string | null) => string, onOpen: (one: Case) => void): Column<Case>[] {
  return [
    { key: "found", header: "Happened", text: (row) => row.occurredAt, cell: (row) => formatTime(row.occurredAt) },
    {
      key: "kind",
      header: "What",
      text: (row) => row.kind,
      cell: (row) => (
        <Button kind="word" onClick={() => onOpen(row)}>
          {CASE_KINDS[row.kind]}
        </Button>
      ),
    },
    { key: "summary", header: "Found", text: (row) => row.summary, cell: (row) => <Words isSoft>{row.summary}</Words>, className: "max-sm:hidden" },
    { key: "state", header: "State", text: (row) => row.state, cell: (row) => <Status {...CASE_STATES[row.state]} /> },
    { key: "with", header: "With", cell: (row) => nameOfActor(row.assignee), className: "max-md:hidden" },
    { key: "disposition", header: "Held to be", cell: (row) => row.disposition && DISPOSITIONS[row.disposition], className: "max-md:hidden" },
  ];
}
