/** The halts of trading that are in force, live. */
import { useEffect, useState } from "react";

import { client } from "../../shared/graphql/client";
import { createFeed } from "../../shared/live/feed";
import { subscribe } from "../../shared/live/socket";
import { useMay } from "../../shared/session/viewer";
import { HALTS, HALTS_LIVE, type Halt } from "./documents";

/** The halts with one more told: one that was released is gone. */
export function withHalt(halts: readonly Halt[], told: Halt): readonly Halt[] {
  const others = halts.filter((halt) => halt.id !== told.id);
  return told.resumedAt === null ? [told, ...others] : others;
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
    const take = ({ tradingHalts }: { tradingHalts: Halt }): void => setHalts((before) => withHalt(before, tradingHalts));
    return subscribe(HALTS_LIVE, {}, createFeed(), take, { onStart: load });
  }, [maySee]);
  return halts;
}
