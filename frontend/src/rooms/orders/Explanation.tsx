/** Why the limits let an order pass or refused it: each check with its facts, and what would have passed. */
import type { JSX } from "react";

import { formatDecimal } from "../../shared/format/decimal";
import { formatEnum } from "../../shared/format/time";
import { RoomLink } from "../../shared/page/links";
import { Loading } from "../../shared/page/states";
import { useAnswer } from "../../shared/query/useAnswer";
import { Status } from "../../shared/table/Status";
import { inOrder, inputsOf, microsInWords } from "./checks";
import { EXPLAIN_ORDER, type Explanation as Told, type FullOrder } from "./documents";
import { CheckList, CHECK_TONE, Facts, Section } from "./parts";

export function Explanation({ order }: { order: FullOrder }): JSX.Element {
  const hasChecks = order.riskChecks.length > 0;
  const answer = useAnswer(EXPLAIN_ORDER, { id: order.id }, { isWanted: hasChecks });
  const told = answer.data?.explainOrder;
  return (
    <Section title="Risk checks">
      {!hasChecks && <p className="text-faint">None were asked: it was not placed from here.</p>}
      {hasChecks && answer.failure !== null && !told && (
        <>
          <p className="text-small text-critical">
            {answer.failure}{" "}
            <button type="button" className="text-accent underline-offset-2 hover:underline" onClick={answer.reload}>
              Try again
            </button>
          </p>
          <CheckList checks={order.riskChecks} />
        </>
      )}
      {hasChecks && answer.isLoading && <Loading />}
      {told && <Explained told={told} />}
    </Section>
  );
}

function Explained({ told }: { told: Told }): JSX.Element {
  return (
    <>
      {told.counterfactual !== null && (
        <p className="pb-1 font-medium">
          What would have passed: <span className="font-normal">{told.counterfactual}</span>
        </p>
      )}
      <ul>
        {inOrder(told.checks).map((check) => (
          <li key={`${check.limitId ?? check.check} ${check.limitVersion} ${check.durationNanos} ${check.message}`} className="border-b border-line py-1 last:border-b-0">
            <One check={check} />
          </li>
        ))}
      </ul>
      <p className="pt-1 text-micro text-faint">Decided in {microsInWords(told.durationMicros)}.</p>
    </>
  );
}

function One({ check }: { check: Told["checks"][number] }): JSX.Element {
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
