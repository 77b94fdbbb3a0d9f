/** In place of the dashboard, for a member of a firm that demands a second factor who has none yet. */
import { useEffect, useState, type JSX, type ReactNode } from "react";

import { StepUpPrompt } from "../../shared/act/StepUpPrompt";
import { client } from "../../shared/graphql/client";
import { signOut } from "../../shared/graphql/session";
import { demand, useEnrolmentDemand } from "../../shared/twoFactor/demand";
import { TWO_FACTOR } from "../../shared/twoFactor/documents";
import { Enrolment } from "../../shared/twoFactor/Enrolment";
import { DoorPage, Problem, WayButton, Ways } from "./DoorPage";

/** The dashboard, or the way to a second factor where that comes first. */
export function EnrolmentGate({ children }: { children: ReactNode }): ReactNode {
  const isDemanded = useEnrolmentDemand();
  useEffect(() => {
    void client
      .query(TWO_FACTOR, {})
      .toPromise()
      .then(({ data }) => {
        if (data) demand.set(data.twoFactor !== null && data.twoFactor.demanded && !data.twoFactor.enabled);
      });
  }, []);
  return isDemanded ? <ForcedEnrolment /> : children;
}

function ForcedEnrolment(): JSX.Element {
  const [problem, setProblem] = useState<string | null>(null);
  return (
    <DoorPage title="Set up a second factor">
      <div className="flex flex-col gap-4">
        <p className="text-body text-soft">Your firm demands one of every member. Until it stands, nothing else can be done.</p>
        <Enrolment onDone={() => demand.set(false)} />
        <Problem id="enrolment-problem">{problem}</Problem>
      </div>
      <Ways>
        <WayButton
          onClick={() => {
            signOut()
              .then(() => demand.set(false))
              .catch(() => setProblem("You are still signed in: the server cannot be reached."));
          }}
        >
          Sign out
        </WayButton>
      </Ways>
      <StepUpPrompt />
    </DoorPage>
  );
}
