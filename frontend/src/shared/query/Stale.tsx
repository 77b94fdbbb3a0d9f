/** Says that what a panel shows is old, and why. */
import { useEffect, useState, type JSX } from "react";

import { formatAge } from "../format/time";
import { Status } from "../table/Status";
import type { Answer } from "./useAnswer";

const LOOK_EVERY_MS = 1_000;

/** The age of what was answered, in milliseconds, once it is over the limit or a later question failed; null before. */
export function useStaleAge({ heardAtMs, failure, data }: Answer<unknown>, limitMs = Number.POSITIVE_INFINITY): number | null {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  if (data === null || heardAtMs === null) return null;
  const ageMs = nowMs - heardAtMs;
  return failure === null && ageMs < limitMs ? null : ageMs;
}

/** Nothing while the answer is younger than `limitMs` and the last question was answered. */
export function Stale({ answer, limitMs }: { answer: Answer<unknown>; limitMs?: number }): JSX.Element | null {
  const ageMs = useStaleAge(answer, limitMs);
  if (ageMs === null) return null;
  return (
    <output className="inline-flex items-center gap-3">
      <Status tone="warn" label={`Stale, last update ${formatAge(ageMs)} ago`} detail={answer.failure} />
      <button type="button" onClick={answer.reload} className="text-accent underline-offset-2 hover:underline">
        Try again
      </button>
    </output>
  );
}
