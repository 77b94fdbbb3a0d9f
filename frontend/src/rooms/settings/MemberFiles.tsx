/** Members as a CSV file: out for a look or a change, and in again with a report on each line. */
import { useState, type JSX } from "react";

import { act } from "../../shared/act/act";
import { exportCsv } from "../../shared/act/exportCsv";
import { Button } from "../../shared/controls/Button";
import { FileDialog } from "../../shared/controls/FileDialog";
import type { FileReport } from "../../shared/controls/fileReport";
import type { ResultOf } from "../../shared/graphql/document";
import { Section } from "../../shared/query/Answered";
import type { Tone } from "../../shared/table/Status";
import { EXPORT_MEMBERS, IMPORT_MEMBERS, type ImportedLine } from "./documents";

const OUTCOMES: Record<ImportedLine["outcome"], { tone: Tone; label: string }> = {
  INVITED: { tone: "ok", label: "Invited" },
  CHANGED: { tone: "ok", label: "Changed" },
  UNCHANGED: { tone: "ended", label: "Unchanged" },
  REFUSED: { tone: "critical", label: "Refused" },
};

export function MemberFiles({ onChanged }: { onChanged: () => void }): JSX.Element {
  const [isImporting, setIsImporting] = useState(false);

  return (
    <Section title="Files" about="Members and open invitations as CSV: export, change, import.">
      <div className="flex flex-wrap gap-3">
        <Button onClick={() => void exportCsv("members.csv", act(EXPORT_MEMBERS, {}))}>Export CSV</Button>
        <Button onClick={() => setIsImporting(true)}>Import CSV</Button>
      </div>
      {isImporting && (
        <FileDialog
          title="Import members"
          about="A file changes and invites; it removes nobody."
          nameHeader="E-mail"
          send={async ({ file, isTrial, takesEach }) => {
            const input = { contentBase64: await asBase64(file), mode: takesEach ? ("EACH" as const) : ("ALL" as const), dryRun: isTrial };
            const outcome = await act(IMPORT_MEMBERS, { input });
            return outcome.ok ? { ok: true, payload: reportOf(outcome.payload) } : outcome;
          }}
          onChanged={onChanged}
          onClose={() => setIsImporting(false)}
        />
      )}
    </Section>
  );
}

function reportOf({ stored, lines }: ResultOf<typeof IMPORT_MEMBERS>["importMembers"]): FileReport {
  return {
    isStored: stored,
    lines: lines.map(({ line, email, outcome, message, code }) => ({
      number: line,
      name: email,
      ...OUTCOMES[outcome],
      message: message ?? code ?? "",
    })),
  };
}

/** The bytes as they are: the server tells a line that is not UTF-8 by its number. */
async function asBase64(file: File): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCodePoint(byte)).join(""));
}
