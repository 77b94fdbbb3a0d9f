/** Ends a halt: another person than who halted, with a step-up, and a reason that is kept. */
import type { JSX } from "react";

import { act } from "../../shared/act/act";
import { Confirm } from "../../shared/controls/Confirm";
import { Facts } from "../../shared/controls/Facts";
import { formatTime } from "../../shared/format/time";
import { useActors } from "../../shared/identity/actors";
import { toast } from "../../shared/overlay/toasts";
import { useAccounts } from "../../shared/session/accounts";
import { RESUME_TRADING, type Halt } from "./documents";
import { coverOf } from "./halts";

interface ReleaseHaltProps {
  halt: Pick<Halt, "id" | "scope" | "targetId" | "mode" | "reason" | "haltedBy" | "haltedAt" | "automatic">;
  onReleased?: () => void;
  onClose: () => void;
}

export function ReleaseHalt({ halt, onReleased, onClose }: ReleaseHaltProps): JSX.Element {
  const nameOfActor = useActors();
  const cover = coverOf(halt, useAccounts());
  return (
    <Confirm
      title="Release the halt"
      submit="Release"
      busy="Releasing"
      isDangerous
      reason="Why trading may go on"
      act={(reason) => act(RESUME_TRADING, { input: { haltId: halt.id, reason } })}
      onDone={() => {
        toast("ok", `Trading goes on: ${cover}`);
        onReleased?.();
        onClose();
      }}
      onClose={onClose}
    >
      <Facts
        facts={[
          ["Scope", cover],
          ["Mode", halt.mode === "HALTED" ? "Nothing passes" : "Only what reduces a position"],
          ["Why", halt.reason],
          ["By", `${nameOfActor(halt.haltedBy)}, ${formatTime(halt.haltedAt)}`],
        ]}
      />
      <p>What the halt refused stays refused. {halt.automatic ? "" : "Who halted cannot release while somebody else could."}</p>
    </Confirm>
  );
}
