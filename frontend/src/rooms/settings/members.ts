/** Members as the pages say them: roles to choose from, names, states, and where a page of them goes on. */
import { ROLES, roleInWords, type Role } from "../../shared/identity/scopes";
import type { CustomRole } from "./documents";

/** A role as a form has it: a built-in one, or one of the firm's own by id. */
const OWN = "own:";

export function roleChoices(own: readonly CustomRole[]): { value: string; label: string }[] {
  return [
    ...ROLES.map(({ role, label, meaning }) => ({ value: role, label: `${label}: ${meaning.toLowerCase()}` })),
    ...own.map(({ id, name }) => ({ value: OWN + id, label: `${name}: a role of your own` })),
  ];
}

export function roleChoiceOf(holder: { role: Role; customRole: { id: string } | null }): string {
  return holder.customRole ? OWN + holder.customRole.id : holder.role;
}

/** The part of an input that gives the role. */
export function roleInput(choice: string): { role: Role } | { customRoleId: string } {
  return choice.startsWith(OWN) ? { customRoleId: choice.slice(OWN.length) } : { role: choice as Role };
}

export function roleNameOf(holder: { role: Role; customRole: { name: string } | null }): string {
  return holder.customRole?.name ?? roleInWords(holder.role);
}
