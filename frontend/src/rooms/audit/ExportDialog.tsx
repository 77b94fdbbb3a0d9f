/** Takes the entries that a search finds out as a file, page by page, the newest first. */
import { useRef, useState, type JSX } from "react";

import { Button } from "../../shared/controls/Button";
import { Dialog } from "../../shared/controls/Dialog";
import { SelectField } from "../../shared/controls/Form";
import { toCsv } from "../../shared/format/csv";
import { download } from "../../shared/format/download";
import { client } from "../../shared/graphql/client";
import { describeFailure } from "../../shared/graphql/failure";
import { AUDIT_LOG, type Entry, type Question } from "./documents";
import { CSV_HEADER, csvRow } from "./search";

const PAGE = 500;
const ENTRIES_MAX = 20_000;
const COUNT = new Intl.NumberFormat("en-US");

type Format = "csv" | "jsonl";

interface ExportProps {
  question: Question;
  isFiltered: boolean;
  onClose: () => void;
}

export function ExportDialog({ question, isFiltered, onClose }: ExportProps): JSX.Element {
  const [format, setFormat] = useState<Format>("csv");
  const [count, setCount] = useState<number | null>(null);
  const [told, setTold] = useState<{ words: string; isFailure: boolean } | null>(null);
  const isWanted = useRef(true);

  async function run(): Promise<void> {
    const entries: Entry[] = [];
    let after: string | null = null;
    setTold(null);
    setCount(0);
    do {
      // oxlint-disable-next-line no-await-in-loop -- each page begins where the one before ended
      const { data, error } = await client.query(AUDIT_LOG, { ...question, first: PAGE, after }).toPromise();
      if (!isWanted.current) return;
      if (error || !data) {
        setCount(null);
        setTold({ words: error ? describeFailure(error) : "The server answered nothing.", isFailure: true });
        return;
      }
      entries.push(...data.auditLog.edges.map((edge) => edge.node));
      after = data.auditLog.pageInfo.hasNextPage ? data.auditLog.pageInfo.endCursor : null;
      setCount(entries.length);
    } while (after !== null && entries.length < ENTRIES_MAX);
    save(entries, format);
    setCount(null);
    const cut = after === null ? "" : " There are more: narrow the search, or use oms audit export for all.";
    setTold({ words: `${COUNT.format(entries.length)} entries are in the file.${cut}`, isFailure: false });
  }

  function close(): void {
    isWanted.current = false;
    onClose();
  }

  return (
    <Dialog title="Export" onClose={close}>
      <p className="text-body text-soft">
        {isFiltered ? "The entries that the search finds" : "The whole log"}, the newest first, at most{" "}
        {COUNT.format(ENTRIES_MAX)}.
      </p>
      <SelectField
        name="format"
        label="As"
        value={format}
        onChange={(value) => setFormat(value as Format)}
        choices={[
          { value: "csv", label: "CSV, for a spreadsheet" },
          { value: "jsonl", label: "JSON lines, for a program" },
        ]}
      />
      <p aria-live="polite" className={`min-h-5 text-small ${told?.isFailure ? "text-critical" : "text-soft"}`}>
        {count === null ? told?.words : `${COUNT.format(count)} entries so far`}
      </p>
      <div className="flex gap-3">
        <Button kind="primary" disabled={count !== null} onClick={() => void run()}>
          {count === null ? "Export" : "Exporting"}
        </Button>
        <Button onClick={close}>Close</Button>
      </div>
    </Dialog>
  );
}

function save(entries: readonly Entry[], format: Format): void {
  if (format === "csv") download("audit.csv", toCsv(CSV_HEADER, entries.map(csvRow)));
  else download("audit.jsonl", entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""), "application/x-ndjson");
}
