/** How full a limit was: a day, a week or a month back, with where it warns and where it is breached. */
import { useMemo, useState, type JSX } from "react";

import { LineChart, type ChartLine } from "../../../shared/chart/LineChart";
import { FILTER } from "../../../shared/controls/Form";
import { Choices } from "../../../shared/page/Choices";
import { Empty } from "../../../shared/page/states";
import { Answered } from "../../../shared/query/Answered";
import { Stale } from "../../../shared/query/Stale";
import { useAnswer } from "../../../shared/query/useAnswer";
import { accountName, useAccounts } from "../../../shared/session/accounts";
import type { Limit } from "../documents";
import { ratioInWords } from "../monitor/levels";
import { curveInWords, curveOf, levelsOf, rangeOf } from "./curves";
import { UTILISATION_HISTORY, type UtilisationHistory as Told } from "./documents";

const LOOK_EVERY_MS = 60_000;
const SPANS = [
  ["1", "Day"],
  ["7", "Week"],
  ["30", "Month"],
] as const;

export function UtilisationHistory({ limit }: { limit: Limit }): JSX.Element {
  const accounts = useAccounts();
  const [{ days, range }, setSpan] = useState(() => spanOf(SPANS[0][0]));
  const [chosen, setChosen] = useState("");
  const accountId = limit.accountId ?? (chosen === "" ? null : chosen);
  const answer = useAnswer(UTILISATION_HISTORY, { limitId: limit.id, accountId, ...range }, { everyMs: LOOK_EVERY_MS });
  return (
    <section aria-label="Utilisation over time" className="border-b border-line py-2">
      <div className="flex flex-wrap items-center gap-2 px-4 pb-2">
        <h3 className="text-small font-medium text-faint">Utilisation over time</h3>
        <Stale answer={answer} limitMs={3 * LOOK_EVERY_MS} />
        <span className="ml-auto flex flex-wrap items-center gap-2">
          {limit.accountId === null && accounts.length > 1 && (
            <select aria-label="Account of the curve" className={FILTER} value={chosen} onChange={(event) => setChosen(event.target.value)}>
              <option value="">The fullest account</option>
              {accounts.map((account) => (
                <option key={account.id} value={account.id}>
                  {accountName(account)}
                </option>
              ))}
            </select>
          )}
          <Choices label="Span" options={SPANS} chosen={days} onChoose={(next) => setSpan(spanOf(next))} />
        </span>
      </div>
      <Answered answer={answer} what="how full the limit was">
        {({ riskUtilisationHistory }) => <Curve told={riskUtilisationHistory} warnAt={limit.warnAt} />}
      </Answered>
    </section>
  );
}

function spanOf(days: string): { days: string; range: { start: string; end: string } } {
  return { days, range: rangeOf(Number(days), Date.now()) };
}

function Curve({ told, warnAt }: { told: Told; warnAt: string | null }): JSX.Element {
  const lines = useMemo((): readonly ChartLine[] => [{ name: "", colour: "accent", points: curveOf(told) }], [told]);
  const levels = useMemo(() => levelsOf(warnAt), [warnAt]);
  const words = curveInWords(told);
  if (words === null) return <Empty title="Nothing was measured in this time.">A limit is measured while it is in force; each minute is kept once it is over.</Empty>;
  return (
    <>
      <div className="h-48">
        <LineChart label={words} lines={lines} levels={levels} format={ratioInWords} />
      </div>
      <p className="px-4 pt-1 text-small text-faint">
        {words}. The highest of every {sliceInWords(told.resolutionMinutes)}.
      </p>
    </>
  );
}

function sliceInWords(minutes: number): string {
  const [hour, day] = [60, 1_440];
  if (minutes % day === 0) return minutes === day ? "day" : `${minutes / day} days`;
  if (minutes % hour === 0) return minutes === hour ? "hour" : `${minutes / hour} hours`;
  return minutes === 1 ? "minute" : `${minutes} minutes`;
}
