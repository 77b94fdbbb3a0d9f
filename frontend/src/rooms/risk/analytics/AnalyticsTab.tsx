/** Figures of what is held: exposure, value at risk, stress, concentration, correlations. */
import { useMemo, type JSX } from "react";

import { FILTER } from "../../../shared/controls/Form";
import { usePageSearch } from "../../../shared/page/search";
import { useAccountIds } from "../../../shared/session/accounts";
import { Toolbar } from "../Toolbar";
import { AtRiskHistory } from "../history/AtRiskHistory";
import { AtRiskSection } from "./AtRiskSection";
import { ConcentrationSection, CorrelationSection } from "./StructureSections";
import { ExposureSection } from "./ExposureSection";
import { StressSection } from "./StressSection";

export interface Book {
  accountIds: string[] | null;
  mode: "LIVE" | "PAPER" | "BOTH" | null;
}

function modeOf(text: string | undefined): Book["mode"] {
  return text === "LIVE" || text === "PAPER" || text === "BOTH" ? text : null;
}

export function AnalyticsTab(): JSX.Element {
  const [search, patch] = usePageSearch();
  const accountIds = useAccountIds();
  const mode = modeOf(search["book"]);
  const book: Book = useMemo(() => ({ accountIds: accountIds === null ? null : [...accountIds], mode }), [accountIds, mode]);
  return (
    <>
      <Toolbar>
        <select aria-label="Whose positions" className={FILTER} value={search["book"] ?? ""} onChange={(event) => patch({ book: event.target.value })}>
          <option value="">Money, or paper where there is none</option>
          <option value="LIVE">Accounts with money</option>
          <option value="PAPER">Paper accounts</option>
          <option value="BOTH">Both together</option>
        </select>
        <span className="text-small text-faint">Of the accounts chosen above. The past is no promise: none of these figures refuses an order.</span>
      </Toolbar>
      <ExposureSection book={book} />
      <AtRiskSection book={book} />
      <AtRiskHistory />
      <StressSection book={book} />
      <ConcentrationSection book={book} />
      <CorrelationSection book={book} />
    </>
  );
}
