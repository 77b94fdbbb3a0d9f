/** The filters that tabs of compliance share; they stand in the address. */
import type { JSX } from "react";

import { FILTER } from "../../shared/controls/Form";
import { usePageSearch } from "../../shared/page/search";
import { accountName, useAccounts } from "../../shared/session/accounts";

/** The first and the last day, both of the reader's own. */
export function DaysFilter({ from, to }: { from: string; to: string }): JSX.Element {
  const [, patch] = usePageSearch();
  return (
    <>
      <label className="flex items-center gap-2 text-small text-faint">
        From
        <input type="date" className={FILTER} value={from} max={to} onChange={(event) => event.target.value && patch({ from: event.target.value })} />
      </label>
      <label className="flex items-center gap-2 text-small text-faint">
        To
        <input type="date" className={FILTER} value={to} min={from} onChange={(event) => event.target.value && patch({ to: event.target.value })} />
      </label>
    </>
  );
}

export function AccountFilter(): JSX.Element {
  const [search, patch] = usePageSearch();
  const accounts = useAccounts();
  return (
    <select aria-label="Of account" className={FILTER} value={search["account"] ?? ""} onChange={(event) => patch({ account: event.target.value })}>
      <option value="">All accounts</option>
      {accounts.map((account) => (
        <option key={account.id} value={account.id}>
          {accountName(account)}
        </option>
      ))}
    </select>
  );
}
