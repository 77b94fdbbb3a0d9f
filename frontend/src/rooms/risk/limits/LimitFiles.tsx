/** Limits as a CSV file: out, and in again with a report on each line. */
import type { JSX } from "react";

import { act } from "../../../shared/act/act";
import { exportCsv } from "../../../shared/act/exportCsv";
import { FileDialog } from "../../../shared/controls/FileDialog";
import type { FileReport } from "../../../shared/controls/fileReport";
import type { Tone } from "../../../shared/table/Status";
import { EXPORT_LIMITS, IMPORT_LIMITS, type ImportReport } from "../documents";

const OUTCOMES: Record<ImportReport["lines"][number]["outcome"], { tone: Tone; label: string }> = {
  CREATED: { tone: "ok", label: "Made" },
  CHANGED: { tone: "ok", label: "Changed" },
  PROPOSED: { tone: "warn", label: "Waits for a second person" },
  UNCHANGED: { tone: "ended", label: "Unchanged" },
  REFUSED: { tone: "critical", label: "Refused" },
};

export function exportLimits(): Promise<void> {
  return exportCsv("risk-limits.csv", act(EXPORT_LIMITS, {}));
}

function reportOf({ isStored, lines }: ImportReport): FileReport {
  return {
    isStored,
    lines: lines.map(({ number, outcome, column, message, code }) => ({
      number,
      name: column ?? "",
      ...OUTCOMES[outcome],
      message: message ?? code ?? "",
    })),
  };
}

export function ImportDialog({ onChanged, onClose }: { onChanged: () => void; onClose: () => void }): JSX.Element {
  return (
    <FileDialog
      title="Import limits"
      about="A line with an id changes that limit, one without makes one unless there is one just like it. A file deletes nothing."
      nameHeader="Column"
      send={async ({ text, isTrial, takesEach }) => {
        const outcome = await act(IMPORT_LIMITS, { input: { csv: text, dryRun: isTrial, mode: takesEach ? "EACH" : "ALL" } });
        return outcome.ok ? { ok: true, payload: reportOf(outcome.payload) } : outcome;
      }}
      onChanged={onChanged}
      onClose={onClose}
    />
  );
}
