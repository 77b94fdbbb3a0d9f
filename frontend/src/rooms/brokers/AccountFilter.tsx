import type { JSX } from "react";

import { FILTER } from "../../shared/controls/Form";
import { usePageSearch } from "../../shared/page/search";
import type { Account } from "./documents";

/** Which account a tab is about; in the address. */
export function useAccountFilter(): string | null {
  const [search] = usePageSearch();
  return search["account"] ?? null;
}

export function AccountFilter({ accounts }: { accounts: readonly Account[] }): JSX.Element {
  const [search, patch] = usePageSearch();
  return (
    <select
      aria-label="Account"
      value={search["account"] ?? ""}
      onChange={(event) => patch({ account: event.target.value })}
      className={FILTER}
    >
      <option value="">All accounts</option>
      {accounts.map((account) => (
        <option key={account.id} value={account.id}>
          {account.label ?? account.accountNumber}
        </option>
      ))}
    </select>
  );
}

export function numberOf(accounts: readonly Account[], id: string): string {
  const account = accounts.find((each) => each.id === id);
  return account ? (account.label ?? account.accountNumber) : "Another account";
}
