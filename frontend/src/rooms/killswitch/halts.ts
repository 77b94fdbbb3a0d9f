/** The halts of trading that are in force, live. */
import { useEffect, useState } from "react";

import { client } from "../../shared/graphql/client";
import { haltsTopic } from "../../shared/live/topics";
import { accountName } from "../../shared/session/accounts";
import type { DeskAccount } from "../../shared/session/documents";
import { useMay } from "../../shared/session/viewer";
import { HALTS, type Halt } from "./documents";

/** The halts with one more told: one that was released is gone. */
export function withHalt(halts: readonly Halt[], told: Halt): readonly Halt[] {
  const others = halts.filter((halt) => halt.id !== told.id);
  return told.resumedAt === null ? [told, ...others] : others;
}

/** What a halt covers; an account by its name where it is known. */
export function coverOf(halt: Pick<Halt, "scope" | "targetId">, accounts: readonly DeskAccount[]): string {
  const account = accounts.find((each) => each.id === halt.targetId);
  if (halt.scope === "TENANT") return "the whole firm";
  return account ? accountName(account) : `one ${halt.scope.toLowerCase()}`;
}

export function useHalts(): readonly Halt[] {
  const maySee = useMay("VIEW_ORDERS");
  const [halts, setHalts] = useState<readonly Halt[]>([]);
  useEffect(() => {
    if (!maySee) return;
    const load = (): void => {
      void client
        .query(HALTS, {})
        .toPromise()
        .then(({ data }) => data && setHalts(data.tradingHalts));
    };
    load();
    return haltsTopic.follow({ take: (told) => setHalts((before) => withHalt(before, told.tradingHalts)), onStart: load });
  }, [maySee]);
  return halts;
}
