/** A CSV file to take in: tried first, then stored, with a report on each line. */
import { useState, type JSX, type ReactNode } from "react";

import { refused, type Outcome } from "../act/act";
import { Status } from "../table/Status";
import { Table, type Column } from "../table/Table";
import { Words } from "../table/Words";
import { Dialog } from "./Dialog";
import { linesInWords, type FileLine, type FileReport } from "./fileReport";
import { ActForm, CheckField } from "./Form";

export interface FileAsked {
  text: string;
  /** The file itself, for what is to be read byte by byte. */
  file: File;
  /** Only tell what would become of each line. */
  isTrial: boolean;
  /** Take the lines that are in order, even when others are refused. */
  takesEach: boolean;
  form: FormData;
}

interface FileDialogProps {
  title: string;
  about: string;
  nameHeader: string;
  send: (asked: FileAsked) => Promise<Outcome<FileReport>>;
  onChanged: () => void;
  onClose: () => void;
  /** Further fields. */
  children?: ReactNode;
}

const BYTES_MAX = 512 * 1024;

export function FileDialog({ title, about, nameHeader, send, onChanged, onClose, children }: FileDialogProps): JSX.Element {
  const [report, setReport] = useState<{ told: FileReport; isTrial: boolean } | null>(null);
  const [isTrial, setIsTrial] = useState(true);

  async function take(form: FormData): Promise<Outcome<FileReport>> {
    const file = form.get("file");
    if (!(file instanceof File) || file.size === 0) return refused("Choose a file that has something in it.");
    if (file.size > BYTES_MAX) return refused("The file is larger than 512 KiB.");
    return await send({ text: await file.text(), file, isTrial, takesEach: form.get("each") !== null, form });
  }

  return (
    <Dialog title={title} onClose={onClose} isWide>
      <p className="text-small text-soft">{about}</p>
      <ActForm
        submit={isTrial ? "Try it" : "Import"}
        busy={isTrial ? "Trying" : "Importing"}
        act={take}
        onDone={(told) => {
          setReport({ told, isTrial });
          if (told.isStored) onChanged();
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
        {children}
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
            {linesInWords(report.told.lines)}. {report.told.isStored ? "Stored." : report.isTrial ? "Nothing was stored yet." : "Nothing was stored: a line was refused."}
          </output>
          <Table label="Report" columns={columnsOf(nameHeader)} rows={report.told.lines} rowKey={(row) => `${row.number} ${row.name}`} />
        </div>
      )}
    </Dialog>
  );
}

function columnsOf(nameHeader: string): Column<FileLine>[] {
  return [
    { key: "line", header: "Line", cell: (row) => (row.number === 0 ? "" : row.number), isNumber: true },
    { key: "name", header: nameHeader, cell: (row) => row.name },
    { key: "outcome", header: "Outcome", cell: (row) => <Status tone={row.tone} label={row.label} /> },
    { key: "message", header: "Why", cell: (row) => <Words>{row.message}</Words> },
  ];
}
