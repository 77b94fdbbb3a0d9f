/** Parts of an order's drawer and of the ticket: a titled section, facts, a list of checks. */
import type { JSX, ReactNode } from "react";

import { formatEnum } from "../../shared/format/time";
import { Status, type Tone } from "../../shared/table/Status";
import type { FullOrder } from "./documents";

export function Section({ title, children }: { title: string; children: ReactNode }): JSX.Element {
  return (
    <section aria-label={title} className="border-b border-line px-4 py-2">
      <h3 className="pb-1 text-small font-medium text-faint">{title}</h3>
      {children}
    </section>
  );
}

export function Facts({ facts }: { facts: readonly (readonly [string, ReactNode])[] }): JSX.Element {
  return (
    <dl className="grid grid-cols-[auto_1fr] gap-x-6 gap-y-0.5">
      {facts.map(([name, value]) => (
        <div key={name} className="col-span-2 grid grid-cols-subgrid">
          <dt className="text-soft">{name}</dt>
          <dd className="text-right break-all">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export const CHECK_TONE: Record<FullOrder["riskChecks"][number]["outcome"], Tone> = { PASSED: "ok", FAILED: "critical", SKIPPED: "ended" };

interface Check {
  check: string;
  outcome: FullOrder["riskChecks"][number]["outcome"];
  message: string;
}

/** What was refused stands first. */
export function CheckList({ checks }: { checks: readonly Check[] }): JSX.Element {
  const order = { FAILED: 0, PASSED: 1, SKIPPED: 2 };
  return (
    <ul>
      {checks
        .toSorted((left, right) => order[left.outcome] - order[right.outcome])
        .map(({ check, outcome, message }) => (
          <li key={`${check} ${message}`} className="grid grid-cols-[1fr_auto] gap-x-3">
            <span className={outcome === "FAILED" ? "text-critical" : "text-soft"}>{formatEnum(check)}</span>
            <Status tone={CHECK_TONE[outcome]} label={formatEnum(outcome)} />
            {outcome !== "SKIPPED" && <span className="col-span-2 text-small break-words text-faint">{message}</span>}
          </li>
        ))}
    </ul>
  );
}
