/** Whether the kill switch is asked for: opened by its button or the palette. */
import { createValue, useValue } from "../../shared/value";

const asked = createValue(false);

export function openKillSwitch(): void {
  asked.set(true);
}

export function closeKillSwitch(): void {
  asked.set(false);
}

export function useKillSwitchAsked(): boolean {
  return useValue(asked);
}
