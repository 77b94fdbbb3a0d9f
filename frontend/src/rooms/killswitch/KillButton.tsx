import { lazy, Suspense, type JSX } from "react";

import { useMay } from "../../shared/session/viewer";
import { closeKillSwitch, openKillSwitch, useKillSwitchAsked } from "./open";

const KillSwitch = lazy(async () => ({ default: (await import("./KillSwitch")).KillSwitch }));

/** Stands in the top bar for who may halt trading. */
export function KillButton(): JSX.Element | null {
  const mayHalt = useMay("MANAGE_RISK");
  const isAsked = useKillSwitchAsked();
  if (!mayHalt) return null;
  return (
    <>
      <button type="button" className="control danger" onClick={openKillSwitch}>
        Kill switch
      </button>
      {isAsked && (
        <Suspense>
          <KillSwitch onClose={closeKillSwitch} />
        </Suspense>
      )}
    </>
  );
}
