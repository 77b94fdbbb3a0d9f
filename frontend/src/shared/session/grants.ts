/** On which accounts the person at the screen may trade. */
import type { Viewer } from "./documents";

/** Whether the member's grants let orders be placed on the account: who has none deals on all. */
export function mayTradeOn(viewer: Pick<Viewer, "membership"> | null, accountId: string): boolean {
  const grants = viewer?.membership?.accounts ?? null;
  return grants === null || grants.some((each) => each.accountId === accountId && each.access === "TRADE");
}
