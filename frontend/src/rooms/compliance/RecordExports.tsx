/** Files of order records: asked for, written by the worker, kept for some days, and fetched from here. */
import { useState, type JSX } from "react";

import { act } from "../../shared/act/act";
import { Button } from "../../shared/controls/Button";
import { Dialog } from "../../shared/controls/Dialog";
import { ActForm, SelectField, TextField, textOf, textOrNull } from "../../shared/controls/Form";
import { follow } from "../../shared/format/download";
import { formatTime } from "../../shared/format/time";
import { client } from "../../shared/graphql/client";
import { describeFailure } from "../../shared/graphql/failure";
import { useActors } from "../../shared/identity/actors";
import { toast } from "../../shared/overlay/toasts";
import { Answered, Section } from "../../shared/query/Answered";
import { More } from "../../shared/query/More";
import { pageOfConnection, usePages } from "../../shared/query/usePages";
import { accountName, useAccounts } from "../../shared/session/accounts";
import { Status } from "../../shared/table/Status";
import { Table, type Column } from "../../shared/table/Table";
import { EXPORT, EXPORTS, REQUEST_RECORDS, type RecordExport } from "./documents";
import { EXPORT_STATES, lastInstant, progressOf, sizeInWords, spanOf } from "./words";

const PAGE = 10;
const EVERY_MS = 3_000;
const FORMATS = [
  { value: "JSONL", label: "JSON lines: a document for each order" },
  { value: "CSV", label: "CSV: a line for each event, execution and risk check" },
] as const;

interface Wanted {
  from: string;
  to: string;
  account: string | null;
}

export function RecordExports({ wanted }: { wanted: Wanted }): JSX.Element {
  const pages = usePages(EXPORTS, { first: PAGE }, { pageOf: (data) => pageOfConnection(data.orderRecordExports), everyMs: EVERY_MS });
  const nameOfActor = useActors();
  const accounts = useAccounts();
  const [isAsking, setIsAsking] = useState(false);
  function nameOfAccount(id: string | null): string {
    const found = accounts.find((account) => account.id === id);
    return id === null ? "All accounts" : found === undefined ? "An account" : accountName(found);
  }
  return (
    <>
      <Section
        title="Files of records"
        about="The worker writes the complete lives of the orders of some days into a file with a checksum. It is kept for a while, then thrown away; who asked for it and who fetched it stands in the audit log."
        answer={pages}
        isTable
        actions={
          <Button kind="primary" onClick={() => setIsAsking(true)}>
            Ask for a file
          </Button>
        }
      >
        <Answered answer={pages} what="the files of records" empty={({ rows }) => (rows.length > 0 ? null : { title: "No file was asked for." })}>
          {({ rows }) => (
            <>
              <Table label="Files of records" columns={columnsOf(nameOfActor, nameOfAccount)} rows={rows} rowKey={(row) => row.id} />
              <More pages={pages} what="files" />
            </>
          )}
        </Answered>
      </Section>
      {isAsking && (
        <AskDialog
          wanted={wanted}
          onDone={() => {
            setIsAsking(false);
            pages.reload();
            toast("ok", "The file is asked for");
          }}
          onClose={() => setIsAsking(false)}
        />
      )}
    </>
  );
}

function AskDialog({ wanted, onDone, onClose }: { wanted: Wanted; onDone: () => void; onClose: () => void }): JSX.Element {
  const accounts = useAccounts();
  return (
    <Dialog title="Ask for a file of records" onClose={onClose}>
      <ActForm
        submit="Ask for it"
        busy="Asking"
        act={(form) => {
          const { after, before } = spanOf(textOf(form, "fromTime"), textOf(form, "toTime"));
          const format = textOf(form, "format") === "CSV" ? ("CSV" as const) : ("JSONL" as const);
          return act(REQUEST_RECORDS, { input: { fromTime: after, toTime: before, accountId: textOrNull(form, "accountId"), format } });
        }}
        onDone={onDone}
        onCancel={onClose}
      >
        <TextField label="First day" name="fromTime" type="date" defaultValue={wanted.from} />
        <TextField label="Last day" name="toTime" type="date" defaultValue={wanted.to} hint="A year after the first at most." />
        <SelectField label="Accounts" name="accountId" defaultValue={wanted.account ?? ""} choices={[{ value: "", label: "All accounts" }, ...accounts.map((account) => ({ value: account.id, label: accountName(account) }))]} />
        <SelectField label="Format" name="format" defaultValue="JSONL" choices={FORMATS} />
      </ActForm>
    </Dialog>
  );
}

function columnsOf(nameOfActor: (actor: string | null) => string, nameOfAccount: (id: string | null) => string): Column<RecordExport>[] {
  return [
    {
      key: "span",
      header: "Records from, to",
      cell: (row) => `${new Date(row.fromTime).toLocaleDateString()} – ${new Date(lastInstant(row.toTime)).toLocaleDateString()}`,
    },
    { key: "state", header: "State", cell: (row) => <Status {...EXPORT_STATES[row.state]} detail={progressOf(row)} /> },
    { key: "format", header: "Format", cell: (row) => (row.format === "CSV" ? "CSV" : "JSON lines"), className: "max-md:hidden" },
    { key: "account", header: "Accounts", cell: (row) => nameOfAccount(row.accountId), className: "max-md:hidden" },
    { key: "size", header: "Size", isNumber: true, cell: (row) => (row.state === "FAILED" ? "" : sizeInWords(row.sizeBytes)), className: "max-sm:hidden" },
    { key: "asked", header: "Asked for", cell: (row) => `${formatTime(row.requestedAt)} by ${nameOfActor(row.requestedBy)}`, className: "max-md:hidden" },
    { key: "kept", header: "Kept until", cell: (row) => (row.expiresAt === null ? "" : formatTime(row.expiresAt)), className: "max-md:hidden" },
    {
      key: "acts",
      header: "",
      cell: (row) =>
        row.state === "DONE" && (
          <span className="flex justify-end gap-3">
            <Button kind="word" className="max-md:hidden" onClick={() => void copySum(row)}>
              Copy SHA-256
            </Button>
            <Button kind="word" aria-label={`Download ${row.fileName}`} onClick={() => void fetchFile(row.id)}>
              Download
            </Button>
          </span>
        ),
    },
  ];
}

async function fetchFile(id: string): Promise<void> {
  // Asked anew: it may have expired meanwhile, and the session is fresh behind it.
  const { data, error } = await client.query(EXPORT, { id }).toPromise();
  if (error) return toast("warn", "The file cannot be fetched", describeFailure(error));
  const found = data?.orderRecordExport;
  if (found?.downloadPath) follow(found.fileName, found.downloadPath);
}

async function copySum(row: RecordExport): Promise<void> {
  try {
    await navigator.clipboard.writeText(`${row.sha256}  ${row.fileName}`);
    toast("ok", "Copied, as sha256sum -c takes it");
  } catch {
    toast("warn", "The browser does not let the page copy here.", row.sha256 ?? "");
  }
}
