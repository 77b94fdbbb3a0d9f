/** Members as a CSV file: out for a look or a change, and in again with a report on each line. */
import { useState, type JSX } from "react";

import { act, type Outcome } from "../../shared/act/act";
import { Button } from "../../shared/controls/Button";
import { Dialog } from "../../shared/controls/Dialog";
import { ActForm, CheckField } from "../../shared/controls/Form";
import { download } from "../../shared/format/download";
import type { ResultOf } from "../../shared/graphql/document";
import { toast } from "../../shared/overlay/toasts";
import { Section } from "../../shared/query/Answered";
import { Status } from "../../shared/table/Status";
import { Table, type Column } from "../../shared/table/Table";
import { Words } from "../../shared/table/Words";
import { EXPORT_MEMBERS, IMPORT_MEMBERS, type ImportedLine } from "./documents";
import { linesInWords, OUTCOMES } from "./members";

type Report = ResultOf<typeof IMPORT_MEMBERS>["importMembers"];

const FILE_BYTES_MAX = 512 * 1024;

export function MemberFiles({ onChanged }: { onChanged: () => void }): JSX.Element {
  const [isImporting, setIsImporting] = useState(false);

  return (
    <Section
      title="Files"
      about="Members and open invitations as CSV: export, change, import. A file changes and invites; it removes nobody."
    >
      <div className="flex flex-wrap gap-3">
        <Button onClick={() => void exportAll()}>Export CSV</Button>
        <Button onClick={() => setIsImporting(true)}>Import CSV</Button>
      </div>
      {isImporting && <ImportDialog onChanged={onChanged} onClose={() => setIsImporting(false)} />}
    </Section>
  );
}

const COLUMNS: Column<ImportedLine>[] = [
  { key: "line", header: "Line", cell: (row) => row.line, isNumber: true },
  { key: "email", header: "E-mail", cell: (row) => row.email },
  { key: "outcome", header: "Outcome", cell: (row) => <Status {...OUTCOMES[row.outcome]} /> },
  {
    key: "message",
    header: "Why",
    cell: (row) => <Words>{row.message}</Words>,
  },
];

function ImportDialog({ onChanged, onClose }: { onChanged: () => void; onClose: () => void }): JSX.Element {
  const [report, setReport] = useState<{ told: Report; isTrial: boolean } | null>(null);
  const [isTrial, setIsTrial] = useState(true);

  return (
    <Dialog title="Import members" onClose={onClose} isWide>
      <ActForm
        submit={isTrial ? "Try it" : "Import"}
        busy={isTrial ? "Trying" : "Importing"}
        act={send}
        onDone={(told) => {
          setReport({ told, isTrial });
          if (told.stored) onChanged();
        }}
        onCancel={onClose}
      >
        <label className="flex flex-col gap-1 text-small font-medium text-soft">
          File
          <input
            type="file"
            name="file"
            accept=".csv,text/csv"
            required
            className="text-small font-normal text-text file:mr-3 file:h-7 file:rounded-sm file:border file:border-line-strong file:bg-surface file:px-3 file:text-text"
          />
        </label>
        <CheckField
          name="dryRun"
          label="Only tell what would become of each line"
          defaultChecked
          onChange={(isChecked) => {
            setIsTrial(isChecked);
            setReport(null);
          }}
        />
        <CheckField name="each" label="Take the lines that are in order, even when others are refused" />
      </ActForm>
      {report && (
        <div className="-mx-4 flex max-h-80 min-h-0 flex-col border-t border-line pt-3">
          <output className="px-4 pb-2 text-small text-soft">
            {linesInWords(report.told.lines)}.{" "}
            {report.told.stored ? "Stored." : report.isTrial ? "Nothing was stored yet." : "Nothing was stored: a line was refused."}
          </output>
          <Table label="Report" columns={COLUMNS} rows={report.told.lines} rowKey={(row) => String(row.line)} />
        </div>
      )}
    </Dialog>
  );
}

function refused(words: string): Outcome<Report> {
  return { ok: false, words, code: null, complaints: [] };
}

async function asBase64(file: File): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCodePoint(byte)).join(""));
}

async function exportAll(): Promise<void> {
  const outcome = await act(EXPORT_MEMBERS, {});
  if (outcome.ok) download("members.csv", outcome.payload.csv ?? "");
  else if (outcome.words) toast("critical", outcome.words);
}

async function send(form: FormData): Promise<Outcome<Report>> {
  const file = form.get("file");
  if (!(file instanceof File) || file.size === 0) return refused("Choose a file that has something in it.");
  if (file.size > FILE_BYTES_MAX) return refused("The file is larger than 512 KiB.");
  const contentBase64 = await asBase64(file);
  const mode = form.get("each") === null ? "ALL" : "EACH";
  return await act(IMPORT_MEMBERS, { input: { contentBase64, mode, dryRun: form.get("dryRun") !== null } });
}
