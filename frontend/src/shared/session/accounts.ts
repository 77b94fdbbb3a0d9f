/** The accounts of the firm with their connections, live, and which of them this screen shows. */
import { useMemo } from "react";

import { client } from "../graphql/client";
import { describeFailure } from "../graphql/failure";
import { createFeed, type Feed } from "../live/feed";
import { subscribe } from "../live/socket";
import { createRowStore, useRows, type RowStore } from "../table/rows";
import { createValue, useValue } from "../value";
import { CONNECTIONS, DESK_ACCOUNTS, type DeskAccount } from "./documents";

/** What orders of an account do: LIVE trades money, PAPER trades the broker's test account, SIM trades in the house. */
export type Mode = "LIVE" | "PAPER" | "SIM";

export const MODES: readonly Mode[] = ["LIVE", "PAPER", "SIM"];
const CHOICE_KEY = "oms.account";

export const accounts: RowStore<DeskAccount> = createRowStore<DeskAccount>({
  id: (row) => row.id,
  compare: (left, right) => left.accountNumber.localeCompare(right.accountNumber),
});
export const accountsFeed: Feed = createFeed();

/** "all", a mode, or the id of an account. */
const choice = createValue<string>(localStorage.getItem(CHOICE_KEY) ?? "all");

export function modeOf(account: Pick<DeskAccount, "broker" | "isPaper">): Mode {
  if (account.broker === "PAPER") return "SIM";
  return account.isPaper ? "PAPER" : "LIVE";
}

export function accountName(account: Pick<DeskAccount, "label" | "accountNumber">): string {
  return account.label ?? account.accountNumber;
}

export function chooseAccounts(next: string): void {
  if (next === "all") localStorage.removeItem(CHOICE_KEY);
  else localStorage.setItem(CHOICE_KEY, next);
  choice.set(next);
}

/** The choice as it holds: an account that is not there means all. */
export function holdingChoice(chosen: string, all: readonly DeskAccount[]): string {
  const holds = all.some((account) => account.id === chosen || modeOf(account) === chosen);
  return holds ? chosen : "all";
}

export function chosenOf(chosen: string, all: readonly DeskAccount[]): readonly DeskAccount[] {
  return all.filter((account) => chosen === "all" || account.id === chosen || modeOf(account) === chosen);
}

export function useAccounts(): readonly DeskAccount[] {
  return useRows(accounts);
}

export function useAccountChoice(): string {
  return holdingChoice(useValue(choice), useAccounts());
}

/** The accounts that this screen shows. */
export function useChosenAccounts(): readonly DeskAccount[] {
  const all = useAccounts();
  const chosen = useAccountChoice();
  return useMemo(() => chosenOf(chosen, all), [chosen, all]);
}

/** Ids for a filter; null where everything is shown. The array stays the same while the choice does. */
export function useAccountIds(): readonly string[] | null {
  const chosen = useAccountChoice();
  const ids = useChosenAccounts()
    .map((account) => account.id)
    .join(" ");
  return useMemo(() => (chosen === "all" ? null : ids.split(" ")), [chosen, ids]);
}

export async function loadAccounts(): Promise<void> {
  const { data, error } = await client.query(DESK_ACCOUNTS, {}).toPromise();
  if (data) {
    accounts.replace(data.brokerAccounts);
    accountsFeed.heard();
  } else if (error) accountsFeed.fail(describeFailure(error));
}

/** Loads and follows; the answer ends it. Heartbeats of the connections come about every five seconds. */
export function followAccounts(): () => void {
  void loadAccounts();
  const stop = subscribe(CONNECTIONS, {}, accountsFeed, (data) => accounts.upsert(data.brokerConnections), {
    onStart: () => void loadAccounts(),
  });
  return () => {
    stop();
    accounts.replace([]);
  };
}
