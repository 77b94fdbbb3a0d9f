/** What the limits said: each check with its facts and its limit, and what would have passed. */
import type { JSX } from "react";

import { formatDecimal } from "../../shared/format/decimal";
import { formatEnum } from "../../shared/format/time";
import { RoomLink } from "../../shared/page/links";
import { Status } from "../../shared/table/Status";
import { inOrder, inputsOf } from "./checks";
import type { Decision } from "./documents";
import { CHECK_TONE, Facts } from "./parts";

type Check = Decision["checks"][number];

export function Checks({ checks, counterfactual }: Pick<Decision, "checks" | "counterfactual">): JSX.Element {
  return (
    <>
      {counterfactual !== null && (
        <p className="pb-1 font-medium">
          What would have passed: <span className="font-normal">{counterfactual}</span>
        </p>
      )}
      <ul>
        {inOrder(checks).map((check) => (
          <li key={`${check.limitId ?? check.check} ${check.limitVersion} ${check.durationNanos} ${check.message}`} className="border-b border-line py-1 last:border-b-0">
            <One check={check} />
          </li>
        ))}
      </ul>
    </>
  );
}

function One({ check }: { check: Check }): JSX.Element {
  const inputs = inputsOf(check.inputs);
  return (
    <details open={check.outcome === "FAILED" && !check.isShadow}>
      <summary className="grid cursor-pointer grid-cols-[1fr_auto] gap-x-3">
        <span className={check.outcome === "FAILED" && !check.isShadow ? "text-critical" : "text-soft"}>
          {formatEnum(check.check)}
          {check.isShadow && <span className="text-faint"> shadow, refuses nothing</span>}
        </span>
        <Status tone={CHECK_TONE[check.outcome]} label={formatEnum(check.outcome)} />
        {check.outcome !== "SKIPPED" && <span className="col-span-2 text-small break-words text-faint">{check.message}</span>}
      </summary>
      <div className="py-1 pl-3 text-small">
        <Facts
          facts={[
            ...(check.observed === null ? [] : [["Observed", formatDecimal(check.observed)] as const]),
            ...(check.limit === null ? [] : [["Limit", formatDecimal(check.limit)] as const]),
            ...inputs,
          ]}
        />
        {check.limitId !== null && (
          <p className="pt-1">
            <RoomLink to="/risk" search={{ tab: "limits", limit: check.limitId }}>
              {check.limitVersion === null ? "The limit" : `The limit, held in its version ${check.limitVersion}`}
            </RoomLink>
          </p>
        )}
      </div>
    </details>
  );
}
