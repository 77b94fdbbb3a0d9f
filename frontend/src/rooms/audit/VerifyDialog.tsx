/** Holds the whole chain against its hashes and signed heads, ten thousand entries at a time, and says what was found. */
import { useEffect, useState, type JSX } from "react";

import { Button } from "../../shared/controls/Button";
import { Dialog } from "../../shared/controls/Dialog";
import { client } from "../../shared/graphql/client";
import { describeFailure } from "../../shared/graphql/failure";
import { Status } from "../../shared/table/Status";
import { VERIFY_AUDIT_LOG, type Verification } from "./documents";
import { verdictOf } from "./search";

interface Looking {
  looks: readonly Verification[];
  isOver: boolean;
  failure: string | null;
}

const BEGIN: Looking = { looks: [], isOver: false, failure: null };
const COUNT = new Intl.NumberFormat("en-US");

export function VerifyDialog({ onClose }: { onClose: () => void }): JSX.Element {
  const [attempt, setAttempt] = useState(0);
  return (
    <Dialog title="Verify the chain" onClose={onClose}>
      <Walk key={attempt} onAgain={() => setAttempt(attempt + 1)} onClose={onClose} />
    </Dialog>
  );
}

function Walk({ onAgain, onClose }: { onAgain: () => void; onClose: () => void }): JSX.Element {
  const [{ looks, isOver, failure }, setLooking] = useState<Looking>(BEGIN);

  useEffect(() => {
    let isWanted = true;
    async function look(): Promise<void> {
      const found: Verification[] = [];
      let fromSequence: number | null = null;
      for (;;) {
        // oxlint-disable-next-line no-await-in-loop -- each look begins where the one before ended
        const { data, error } = await client.query(VERIFY_AUDIT_LOG, { fromSequence }).toPromise();
        if (!isWanted) return;
        if (error || !data) {
          setLooking({ looks: found, isOver: true, failure: error ? describeFailure(error) : "The server answered nothing." });
          return;
        }
        found.push(data.verifyAuditLog);
        const { isComplete } = data.verifyAuditLog;
        setLooking({ looks: [...found], isOver: isComplete, failure: null });
        if (isComplete) return;
        fromSequence = data.verifyAuditLog.toSequence + 1;
      }
    }
    void look();
    return () => {
      isWanted = false;
    };
  }, []);

  const seen = looks.reduce((sum, each) => sum + each.entries, 0);
  return (
    <>
      <div aria-live="polite" className="flex flex-col gap-3">
        {!isOver && <p className="text-soft">Looking at the entries: {COUNT.format(seen)} so far.</p>}
        {failure !== null && (
          <p role="alert" className="text-critical">
            {failure}
          </p>
        )}
        {isOver && failure === null && <VerdictShown looks={looks} />}
      </div>
      <p className="text-small text-faint">
        The heads that lie outside the database are held against the log by <code className="font-[inherit] text-soft">oms audit verify</code>.
      </p>
      <div className="flex gap-3">
        <Button kind="primary" onClick={onClose}>
          Close
        </Button>
        {isOver && <Button onClick={onAgain}>Look again</Button>}
      </div>
    </>
  );
}

function VerdictShown({ looks }: { looks: readonly Verification[] }): JSX.Element {
  const verdict = verdictOf(looks);
  return (
    <>
      <Status tone={verdict.isIntact ? "ok" : "critical"} label={verdict.title} />
      <ul className="flex list-disc flex-col gap-1 pl-5 text-small text-soft">
        {verdict.details.map((each) => (
          <li key={each}>{each}</li>
        ))}
      </ul>
    </>
  );
}
