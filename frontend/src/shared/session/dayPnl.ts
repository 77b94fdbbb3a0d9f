/** The day's profit and loss of the accounts on screen. Currencies and modes are never added together. */
import { useEffect, useState } from "react";

import { add } from "../format/decimal";
import { client } from "../graphql/client";
import { modeOf, useChosenAccounts, type Mode } from "./accounts";
import { DAY_PNL } from "./documents";

export interface DayPnl {
  mode: Mode;
  currency: string;
  net: string;
}

const EVERY_MS = 5_000;
/** Beyond so many accounts a person chooses one first: each is a question of its own. */
export const ACCOUNTS_MAX = 12;

export function grouped(parts: readonly DayPnl[]): DayPnl[] {
  const sums = new Map<string, DayPnl>();
  for (const part of parts) {
    const key = `${part.mode} ${part.currency}`;
    const held = sums.get(key);
    sums.set(key, held ? { ...held, net: add(held.net, part.net) } : part);
  }
  return [...sums.values()];
}

/** One sum for each mode and currency; null while none is known, or where a figure is missing. */
export function useDayPnl(): readonly DayPnl[] | null {
  const [sums, setSums] = useState<readonly DayPnl[] | null>(null);
  const chosen = useChosenAccounts();
  const signature = chosen.map((account) => `${account.id} ${modeOf(account)}`).join(",");
  useEffect(() => {
    let isOver = false;
    const wanted = signature === "" ? [] : signature.split(",").map((each) => each.split(" ") as [string, Mode]);
    async function ask(): Promise<void> {
      if (wanted.length === 0 || wanted.length > ACCOUNTS_MAX) {
        setSums(null);
        return;
      }
      const parts = await Promise.all(
        wanted.map(async ([accountId, mode]): Promise<DayPnl | null> => {
          const { data } = await client.query(DAY_PNL, { accountId }).toPromise();
          return data ? { mode, currency: data.pnlToday.currency, net: data.pnlToday.net } : null;
        }),
      );
      if (!isOver) setSums(parts.includes(null) ? null : grouped(parts as DayPnl[]));
    }
    void ask();
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") void ask();
    }, EVERY_MS);
    return () => {
      isOver = true;
      clearInterval(timer);
    };
  }, [signature]);
  return sums;
}
