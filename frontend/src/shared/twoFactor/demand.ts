/** Whether the firm demands a second factor that this person has not set up: then nothing else can be done. */
import { useSyncExternalStore } from "react";

const listeners = new Set<() => void>();
let isDemanded = false;

/** The code that every operation is answered with until the second factor stands. */
export const ENROLMENT_REQUIRED = "TWO_FACTOR_ENROLMENT_REQUIRED";

export const demand = {
  set(next: boolean): void {
    if (next === isDemanded) return;
    isDemanded = next;
    for (const listener of listeners) listener();
  },
  get: (): boolean => isDemanded,
  listen(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

export function useEnrolmentDemand(): boolean {
  return useSyncExternalStore(demand.listen, demand.get);
}
