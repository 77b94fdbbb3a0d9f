import { lazy, Suspense, useState, type JSX } from "react";

import { useMay } from "../../shared/session/viewer";

const KillSwitch = lazy(async () => ({ default: (await import("./KillSwitch")).KillSwitch }));

/** Stands in the top bar for who may halt trading. */
export function KillButton(): JSX.Element | null {
  const mayHalt = useMay("MANAGE_RISK");
  const [isOpen, setIsOpen] = useState(false);
  if (!mayHalt) return null;
  return (
    <>
      <button type="button" className="control danger" onClick={() => setIsOpen(true)}>
        Kill switch
      </button>
      {isOpen && (
        <Suspense>
          <KillSwitch onClose={() => setIsOpen(false)} />
        </Suspense>
      )}
    </>
  );
}
