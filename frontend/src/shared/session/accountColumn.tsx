import type { LiveColumn } from "../table/layout";
import { accountName, modeOf } from "./accounts";
import type { DeskAccount } from "./documents";
import { ModeBadge } from "./Mode";

type Named = Parameters<typeof accountName>[0] & Parameters<typeof modeOf>[0] & Pick<DeskAccount, "accountNumber">;

/** The column with the account of a row and the mode that it deals in. */
export function accountColumn<Row extends { account: Named }>(): LiveColumn<Row> {
  return {
    key: "account",
    header: "Account",
    width: 150,
    cell: (row) => (
      <span className="flex items-center gap-2">
        {accountName(row.account)} <ModeBadge mode={modeOf(row.account)} />
      </span>
    ),
    text: (row) => row.account.accountNumber,
  };
}
