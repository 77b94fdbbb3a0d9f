/** Two documents side by side, old and new, with what changed told by a word as well as by colour. */
import type { JSX } from "react";

import { differences, type Difference } from "../format/differences";

const SIGN: Record<Difference["kind"], { word: string; className: string }> = {
  added: { word: "added", className: "text-ok" },
  removed: { word: "removed", className: "text-critical" },
  changed: { word: "changed", className: "text-warn" },
  same: { word: "", className: "text-faint" },
};

interface DifferencesProps {
  before: unknown;
  after: unknown;
  /** Two accounts of the same thing rather than an old and a new one: what one alone tells is no difference. */
  areAccounts?: boolean;
  names?: { before: string; after: string };
}

const BEFORE_AND_AFTER = { before: "Before", after: "After" };

export function Differences({ before, after, areAccounts, names = BEFORE_AND_AFTER }: DifferencesProps): JSX.Element {
  const told = differences(before, after);
  if (told.length === 0) return <p className="text-small text-faint">It has no values.</p>;
  const hasBefore = told.some((each) => each.before !== null);
  const hasAfter = told.some((each) => each.after !== null);
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a scrolling region must be reachable by keyboard
    <section aria-label="Values" tabIndex={0} className="max-h-[40dvh] overflow-auto rounded-sm border border-line">
      <table className="w-full border-collapse text-left text-small">
        <thead className="sticky top-0 bg-raised text-micro text-faint">
          <tr>
            <th scope="col" className="px-2 py-1 font-medium">Value</th>
            {hasBefore && <th scope="col" className="px-2 py-1 font-medium">{names.before}</th>}
            {hasAfter && <th scope="col" className="px-2 py-1 font-medium">{names.after}</th>}
            {hasBefore && hasAfter && <th scope="col" className="px-2 py-1 font-medium"><span className="sr-only">Difference</span></th>}
          </tr>
        </thead>
        <tbody>
          {told.map(({ path, kind, ...values }) => (
            <tr key={path} className="border-t border-line align-top">
              <th scope="row" className="px-2 py-1 font-normal text-soft wrap-anywhere">{path}</th>
              {hasBefore && <td className={`px-2 py-1 wrap-anywhere ${kind === "same" ? "text-faint" : ""}`}>{values.before}</td>}
              {hasAfter && <td className={`px-2 py-1 wrap-anywhere ${kind === "same" ? "text-faint" : ""}`}>{values.after}</td>}
              {hasBefore && hasAfter && <td className={`px-2 py-1 ${SIGN[kind].className}`}>{areAccounts ? (kind === "changed" ? "differs" : "") : SIGN[kind].word}</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
