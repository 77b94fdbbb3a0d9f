import type { JSX } from "react";

import type { Mode } from "./accounts";

const COLOUR: Record<Mode, string> = {
  LIVE: "border-critical text-critical",
  PAPER: "border-line-strong text-soft",
  SIM: "border-line-strong border-dashed text-soft",
};

const MEANING: Record<Mode, string> = {
  LIVE: "Orders trade real money",
  PAPER: "Orders go to the broker's test account",
  SIM: "Orders are filled in the house",
};

export function ModeBadge({ mode }: { mode: Mode }): JSX.Element {
  return (
    <span title={MEANING[mode]} className={`rounded-sm border px-1 text-micro leading-4 font-medium ${COLOUR[mode]}`}>
      {mode}
    </span>
  );
}
