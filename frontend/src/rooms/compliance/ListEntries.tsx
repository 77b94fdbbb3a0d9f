/** The entries of one list, its versions, and its file. */
import { useEffect, useRef, useState, type JSX } from "react";

import { act, type Outcome } from "../../shared/act/act";
import { exportCsv } from "../../shared/act/exportCsv";
import { Button } from "../../shared/controls/Button";
import { Confirm } from "../../shared/controls/Confirm";
import { Dialog } from "../../shared/controls/Dialog";
import { FileDialog } from "../../shared/controls/FileDialog";
import type { FileReport } from "../../shared/controls/fileReport";
import { ActForm, CheckField, SelectField, TextField, textOf } from "../../shared/controls/Form";
import { formatTime } from "../../shared/format/time";
import { useSymbols } from "../../shared/instrument/names";
import { toast } from "../../shared/overlay/toasts";
import { Answered, Section } from "../../shared/query/Answered";
import { More } from "../../shared/query/More";
import { pageOfConnection, usePages } from "../../shared/query/usePages";
import { Status, type Tone } from "../../shared/table/Status";
import { Table, type Column } from "../../shared/table/Table";
import { Words } from "../../shared/table/Words";
import { CHANGE_ENTRIES, ENTRIES, EXPORT_LIST, IMPORT_LIST, LIST_VERSIONS, type Entry, type RestrictedList } from "./documents";
import { entryState, RESTRICTIONS } from "./words";

const PAGE = 100;
const VERSIONS = 10;

interface ListEntriesProps {
  list: RestrictedList;
  nameOfActor: (actor: string | null) => string;
  onChanged: () => void;
}

export function ListEntries({ list, nameOfActor, onChanged }: ListEntriesProps): JSX.Element {
  const pages = usePages(ENTRIES, { listId: list.id, first: PAGE }, { pageOf: (data) => pageOfConnection(data.restrictedEntries) });
  const versions = usePages(LIST_VERSIONS, { listId: list.id, first: VERSIONS }, { pageOf: (data) => pageOfConnection(data.restrictedListVersions) });
  const symbolOf = useSymbols((pages.data?.rows ?? []).map((entry) => entry.instrumentId));
  const [open, setOpen] = useState<"add" | "import" | Entry | null>(null);
  const { reload: reloadEntries } = pages;
  const { reload: reloadVersions } = versions;
  const shownVersion = useRef(list.version);
  useEffect(() => {
    if (shownVersion.current === list.version) return;
    shownVersion.current = list.version;
    reloadEntries();
    reloadVersions();
  }, [list.version, reloadEntries, reloadVersions]);
  const nameOf = (entry: Entry): string => entry.symbol ?? symbolOf(entry.instrumentId);
  function done(words: string): void {
    setOpen(null);
    onChanged();
    toast("ok", words);
  }
  return (
    <>
      <Section
        title={`Entries of ${list.name}`}
        answer={pages}
        isTable
        actions={
          <>
            <Button kind="primary" onClick={() => setOpen("add")}>
              Add an entry
            </Button>
            <Button onClick={() => setOpen("import")}>Import CSV</Button>
            <Button onClick={() => void exportList(list)}>Export CSV</Button>
          </>
        }
      >
        <Answered answer={pages} what="the entries" empty={({ rows }) => (rows.length > 0 ? null : { title: "Nothing is on the list." })}>
          {({ rows }) => (
            <>
              <Table label={`Entries of ${list.name}`} file="restricted-entries" columns={entryColumns(nameOf, nameOfActor, setOpen)} rows={rows} rowKey={(row) => row.id} />
              <More pages={pages} what="entries" />
            </>
          )}
        </Answered>
      </Section>
      <Section title="Versions" answer={versions} isTable>
        <Answered answer={versions} what="the versions">
          {({ rows }) => <Table label="Versions of the list" file="restricted-list-versions" columns={versionColumns(nameOfActor)} rows={rows} rowKey={(row) => String(row.version)} />}
        </Answered>
        <More pages={versions} what="versions" />
      </Section>
      {open === "add" && <AddDialog list={list} onDone={() => done("It holds from now on")} onClose={() => setOpen(null)} />}
      {open === "import" && <ImportDialog list={list} onChanged={onChanged} onClose={() => setOpen(null)} />}
      {open !== null && typeof open === "object" && (
        <Confirm
          title={`Take ${nameOf(open)} off the list`}
          submit="Take off"
          busy="Taking off"
          isDangerous
          reason="Why"
          act={(reason) => act(CHANGE_ENTRIES, { input: { listId: list.id, expectedVersion: list.version, add: [], removeIds: [open.id], reason } })}
          onDone={() => done("It is off the list")}
          onClose={() => setOpen(null)}
        >
          <p>{RESTRICTIONS[open.kind].label}: {open.reason}. The versions of the list keep it.</p>
        </Confirm>
      )}
    </>
  );
}

function instant(text: string): string | null {
  return text === "" ? null : new Date(text).toISOString();
}

function AddDialog({ list, onDone, onClose }: { list: RestrictedList; onDone: () => void; onClose: () => void }): JSX.Element {
  return (
    <Dialog title={`Add to ${list.name}`} onClose={onClose}>
      <ActForm
        submit="Add"
        busy="Adding"
        act={(form) =>
          act(CHANGE_ENTRIES, {
            input: {
              listId: list.id,
              expectedVersion: list.version,
              removeIds: [],
              reason: textOf(form, "why"),
              add: [
                {
                  symbol: textOf(form, "symbol").toUpperCase(),
                  kind: textOf(form, "kind") as Entry["kind"],
                  reason: textOf(form, "reason"),
                  validFrom: instant(textOf(form, "validFrom")),
                  validUntil: instant(textOf(form, "validUntil")),
                },
              ],
            },
          })
        }
        onDone={onDone}
        onCancel={onClose}
      >
        <TextField name="symbol" label="Symbol" hint="On any exchange, with options and futures on it" isFirst />
        <SelectField
          name="kind"
          label="What it does"
          choices={[
            { value: "NO_TRADE", label: "No order passes" },
            { value: "NO_BUY", label: "Only what makes a position smaller passes" },
            { value: "NOTIFY", label: "Orders pass and leave an alert" },
          ]}
        />
        <TextField name="reason" label="Reason of the entry" maxLength={500} />
        <div className="grid gap-3 sm:grid-cols-2">
          <TextField name="validFrom" label="Holds from" type="datetime-local" isOptional />
          <TextField name="validUntil" label="Until" type="datetime-local" isOptional />
        </div>
        <TextField name="why" label="Why the list changes" maxLength={500} />
      </ActForm>
    </Dialog>
  );
}

const OUTCOMES: Readonly<Record<string, { tone: Tone; label: string }>> = {
  ADDED: { tone: "ok", label: "Added" },
  CHANGED: { tone: "ok", label: "Changed" },
  UNCHANGED: { tone: "ended", label: "Unchanged" },
  REMOVED: { tone: "warn", label: "Removed" },
  REFUSED: { tone: "critical", label: "Refused" },
};

function ImportDialog({ list, onChanged, onClose }: { list: RestrictedList; onChanged: () => void; onClose: () => void }): JSX.Element {
  return (
    <FileDialog
      title={`Import into ${list.name}`}
      about="Columns: symbol, instrument_id, kind, reason, from, until."
      nameHeader="Name"
      send={async ({ text, isTrial, takesEach, form }): Promise<Outcome<FileReport>> => {
        const outcome = await act(IMPORT_LIST, {
          input: { listId: list.id, content: text, dryRun: isTrial, skipRefused: takesEach, replace: form.get("replace") !== null, reason: textOf(form, "reason") },
        });
        if (!outcome.ok) return outcome;
        const lines = outcome.payload.lines.map(({ number, name, outcome: became, message, code }) => ({
          number,
          name,
          ...(OUTCOMES[became] ?? { tone: "pending" as const, label: became }),
          message: message ?? code ?? "",
        }));
        return { ok: true, payload: { isStored: outcome.payload.isStored, lines } };
      }}
      onChanged={onChanged}
      onClose={onClose}
    >
      <TextField name="reason" label="Why the list changes" maxLength={500} />
      <CheckField name="replace" label="Take off what the file does not have" />
    </FileDialog>
  );
}

function exportList(list: RestrictedList): Promise<void> {
  return exportCsv(`${list.name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}.csv`, act(EXPORT_LIST, { input: { listId: list.id } }));
}

function entryColumns(nameOf: (entry: Entry) => string, nameOfActor: (actor: string | null) => string, onRemove: (entry: Entry) => void): Column<Entry>[] {
  return [
    { key: "name", header: "Name", text: (row) => nameOf(row), cell: (row) => <span className="font-medium">{nameOf(row)}</span> },
    { key: "kind", header: "Restriction", text: (row) => row.kind, cell: (row) => <Status {...RESTRICTIONS[row.kind]} /> },
    { key: "reason", header: "Reason", text: (row) => row.reason, cell: (row) => <Words>{row.reason}</Words>, className: "max-sm:hidden" },
    { key: "state", header: "State", text: (row) => entryState(row).label, cell: (row) => <Status {...entryState(row)} />, className: "max-sm:hidden" },
    { key: "from", header: "From", text: (row) => row.validFrom, cell: (row) => row.validFrom && formatTime(row.validFrom), className: "max-md:hidden" },
    { key: "until", header: "Until", text: (row) => row.validUntil, cell: (row) => row.validUntil && formatTime(row.validUntil), className: "max-md:hidden" },
    { key: "by", header: "Added", text: (row) => row.addedAt, cell: (row) => `${nameOfActor(row.addedBy)}, ${formatTime(row.addedAt)}`, className: "max-md:hidden" },
    {
      key: "act",
      header: "",
      isNumber: true,
      cell: (row) => (
        <Button kind="dangerWord" onClick={() => onRemove(row)}>
          Take off
        </Button>
      ),
    },
  ];
}

type Version = { version: number; added: number; removed: number; changedBy: string; reason: string; changedAt: string };

function versionColumns(nameOfActor: (actor: string | null) => string): Column<Version>[] {
  return [
    { key: "version", header: "Version", cell: (row) => row.version, isNumber: true },
    { key: "when", header: "When", text: (row) => row.changedAt, cell: (row) => formatTime(row.changedAt) },
    { key: "by", header: "By", cell: (row) => nameOfActor(row.changedBy), className: "max-sm:hidden" },
    { key: "added", header: "Added", cell: (row) => row.added, isNumber: true },
    { key: "removed", header: "Removed", cell: (row) => row.removed, isNumber: true },
    { key: "reason", header: "Why", text: (row) => row.reason, cell: (row) => <Words isSoft>{row.reason}</Words>, className: "max-sm:hidden" },
  ];
}
