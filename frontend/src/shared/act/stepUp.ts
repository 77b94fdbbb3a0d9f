/**
 * The question whether it is really you. An operation that the server answers with STEP_UP_REQUIRED waits here for the
 * person's proof and then goes on; operations that wait at the same time share one question.
 */
import { useSyncExternalStore } from "react";

/** What the server takes as proof: the code of a second factor where there is one, else the password. */
export type Proof = "CODE" | "PASSWORD";

export interface StepUp {
  /** Asks the person. True when they have proven themselves, false when they would rather not. */
  ask(proof: Proof): Promise<boolean>;
  answer(isProven: boolean): void;
  /** What is asked for now; null while nothing is. */
  asked(): Proof | null;
  listen(listener: () => void): () => void;
}

export function createStepUp(): StepUp {
  const listeners = new Set<() => void>();
  let open: { proof: Proof; promise: Promise<boolean> } | null = null;
  let settle: ((isProven: boolean) => void) | null = null;

  function tell(): void {
    for (const listener of listeners) listener();
  }

  return {
    ask(proof) {
      if (open) return open.promise;
      const promise = new Promise<boolean>((resolve) => {
        settle = resolve;
      });
      open = { proof, promise };
      tell();
      return promise;
    },
    answer(isProven) {
      open = null;
      settle?.(isProven);
      tell();
    },
    asked: () => open?.proof ?? null,
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export const stepUp = createStepUp();

export function useStepUp(): Proof | null {
  return useSyncExternalStore(stepUp.listen, stepUp.asked);
}
