/** How full a limit is, in a word and a shape as well as a colour. */
import type { Tone } from "../../../shared/table/Status";
import type { Breach, Utilisation } from "./documents";

const WARN_AT_DEFAULT = 0.8;
const FULL = 100;

type Measured = Pick<Utilisation, "ratio" | "isBreached" | "isMeasured"> & { limit: Pick<Utilisation["limit"], "warnAt" | "isShadow"> };

export interface Level {
  tone: Tone;
  label: string;
  /** The part of the bar that is filled, 0 to 100. */
  filled: number;
}

/** A warning begins at the limit's own part of its value, 0.8 where it names none. */
export function levelOf(row: Measured): Level {
  const filled = Math.min(FULL, Math.max(0, row.ratio * FULL));
  // Number() for a threshold of the drawing alone: the server decides what is a warning.
  const warnAt = row.limit.warnAt === null ? WARN_AT_DEFAULT : Number(row.limit.warnAt);
  if (!row.isMeasured) return { tone: "pending", label: "Not measured", filled: 0 };
  if (row.isBreached) return { tone: "critical", label: "Breached", filled: FULL };
  if (row.ratio >= warnAt) return { tone: "warn", label: "Nearly full", filled };
  return { tone: "ok", label: "Within", filled };
}

/** 81 %, 1,250 %; more than a thousand times is told as such. */
export function ratioInWords(ratio: number): string {
  if (ratio >= 1_000) return "> 100,000 %";
  return `${Math.round(ratio * FULL).toLocaleString("en")} %`;
}

export const BREACH_LEVELS: Record<Breach["level"], { tone: Tone; label: string }> = {
  CLEAR: { tone: "ok", label: "Clear" },
  REFUSALS: { tone: "pending", label: "Refused orders" },
  WARNING: { tone: "warn", label: "Warning" },
  BREACH: { tone: "critical", label: "Breach" },
};
