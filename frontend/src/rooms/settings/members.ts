/** Members as the pages say them: roles to choose from, names, states, and where a page of them goes on. */
import { ROLES, roleInWords, type Role } from "../../shared/identity/scopes";
import type { Tone } from "../../shared/table/Status";
import type { CustomRole, ImportedLine } from "./documents";

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

export const OUTCOMES: Record<ImportedLine["outcome"], { tone: Tone; label: string }> = {
  INVITED: { tone: "ok", label: "Invited" },
  CHANGED: { tone: "ok", label: "Changed" },
  UNCHANGED: { tone: "ended", label: "Unchanged" },
  REFUSED: { tone: "critical", label: "Refused" },
};

/** 3 invited, 1 changed, 2 refused: what became, or would, of the lines of a file. */
export function linesInWords(lines: readonly ImportedLine[]): string {
  const told = (Object.keys(OUTCOMES) as ImportedLine["outcome"][])
    .map((outcome) => [lines.filter((line) => line.outcome === outcome).length, OUTCOMES[outcome].label.toLowerCase()] as const)
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${count} ${word}`);
  return told.length === 0 ? "No lines" : told.join(", ");
}
