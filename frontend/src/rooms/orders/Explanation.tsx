/** Why the limits let an order pass or refused it, each time that they were asked before it left. */
import type { JSX } from "react";

import { formatTime } from "../../shared/format/time";
import { useActors } from "../../shared/identity/actors";
import { Loading } from "../../shared/page/states";
import { useAnswer } from "../../shared/query/useAnswer";
import { microsInWords } from "./checks";
import { Checks } from "./Checks";
import { EXPLAIN_ORDER, type Decision, type FullOrder } from "./documents";
import { CheckList, Section } from "./parts";

const AGAIN: Record<Exclude<Decision["step"], "PLACEMENT">, string> = {
  APPROVAL: "Again for the approval",
  RELEASE: "Again for the release",
  CHANGE: "For a change",
};

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
      {told?.decisions
        // Those of a change stand beside its request.
        .filter((decision) => decision.step !== "CHANGE")
        .map((decision) => (
          <Looked key={`${decision.step} ${decision.decidedAt}`} decision={decision} />
        ))}
    </Section>
  );
}

function Looked({ decision }: { decision: Decision }): JSX.Element {
  const nameOfActor = useActors();
  return (
    <div className="pb-1">
      {decision.step !== "PLACEMENT" && (
        <h4 className="pt-2 pb-1 text-small text-faint">
          {`${AGAIN[decision.step]} at ${formatTime(decision.decidedAt)}, asked for by ${nameOfActor(decision.askedBy)}`}
        </h4>
      )}
      <Checks checks={decision.checks} counterfactual={decision.counterfactual} />
      <p className="pt-1 text-micro text-faint">Decided in {microsInWords(decision.durationMicros)}.</p>
    </div>
  );
}
