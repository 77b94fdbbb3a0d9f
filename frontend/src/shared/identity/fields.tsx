/** Fields of forms that give power: scopes, and broker accounts to view or to trade on. */
import { useState, type JSX } from "react";

import { CheckField, SelectField } from "../controls/Form";
import { SCOPES, type Access, type Grant, type Scope } from "./scopes";

const NO_SCOPES: readonly Scope[] = [];

interface ScopeFieldProps {
  /** What the person has: nobody gives more. */
  own: readonly Scope[];
  chosen?: readonly Scope[];
  withheld?: readonly Scope[];
}

export function ScopeField({ own, chosen = NO_SCOPES, withheld = NO_SCOPES }: ScopeFieldProps): JSX.Element {
  return (
    <fieldset className="flex flex-col gap-2">
      <legend className="mb-1 text-small font-medium text-soft">Scopes</legend>
      <div className="grid gap-x-6 gap-y-3 sm:grid-cols-3">
        {SCOPES.map(({ group, scopes }) => (
          <div key={group} role="group" aria-label={group}>
            <p className="text-micro text-faint">{group}</p>
            {scopes
              .filter(({ scope }) => !withheld.includes(scope))
              .map(({ scope, label }) => (
                <CheckField
                  key={scope}
                  name="scopes"
                  value={scope}
                  label={label}
                  defaultChecked={chosen.includes(scope)}
                  isDisabled={!own.includes(scope)}
                />
              ))}
          </div>
        ))}
      </div>
    </fieldset>
  );
}

export function scopesOf(form: FormData): Scope[] {
  return form.getAll("scopes") as Scope[];
}

interface Account {
  id: string;
  accountNumber: string;
  label: string | null;
}

interface GrantFieldProps {
  accounts: readonly Account[];
  grants: readonly Grant[] | null;
  /** What no restriction is called here. */
  all: string;
}

const NONE = "NONE";

export function GrantField({ accounts, grants, all }: GrantFieldProps): JSX.Element {
  const [isRestricted, setIsRestricted] = useState(grants !== null);
  return (
    <fieldset className="flex flex-col gap-2">
      <legend className="mb-1 text-small font-medium text-soft">Broker accounts</legend>
      <CheckField name="isRestricted" label="Only some" defaultChecked={isRestricted} onChange={setIsRestricted} />
      {isRestricted ? (
        <div className="grid max-h-56 gap-x-4 gap-y-2 overflow-auto sm:grid-cols-2">
          {accounts.map((account) => (
            <SelectField
              key={account.id}
              name={`grant:${account.id}`}
              label={account.label ? `${account.accountNumber} · ${account.label}` : account.accountNumber}
              defaultValue={grants?.find((each) => each.accountId === account.id)?.access ?? NONE}
              choices={[
                { value: NONE, label: "Not at all" },
                { value: "VIEW", label: "View" },
                { value: "TRADE", label: "View and trade" },
              ]}
            />
          ))}
        </div>
      ) : (
        <p className="text-micro text-faint">{all}</p>
      )}
    </fieldset>
  );
}

/** The accounts that the form restricts to; null where it does not restrict. */
export function grantsOf(form: FormData): Grant[] | null {
  if (form.get("isRestricted") === null) return null;
  const grants: Grant[] = [];
  for (const [name, value] of form.entries()) {
    if (name.startsWith("grant:") && value !== NONE) grants.push({ accountId: name.slice("grant:".length), access: value as Access });
  }
  return grants;
}
