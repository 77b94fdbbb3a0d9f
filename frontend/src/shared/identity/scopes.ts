/** What a credential may, in words: scopes, roles, and the accounts that it is restricted to. */
import type { graphql } from "../graphql/document";

export type Scope = ReturnType<typeof graphql.scalar<"Scope">>;
export type Role = ReturnType<typeof graphql.scalar<"Role">>;
export type Access = ReturnType<typeof graphql.scalar<"AccountAccess">>;

export const SCOPES: readonly { group: string; scopes: readonly { scope: Scope; label: string }[] }[] = [
  {
    group: "Trading",
    scopes: [
      { scope: "VIEW_ORDERS", label: "See orders and executions" },
      { scope: "PLACE_ORDERS", label: "Place orders" },
      { scope: "MODIFY_ORDERS", label: "Modify orders" },
      { scope: "CANCEL_ORDERS", label: "Cancel orders" },
      { scope: "APPROVE_ORDERS", label: "Approve orders of others" },
      { scope: "VIEW_POSITIONS", label: "See positions and P&L" },
      { scope: "VIEW_MARKET_DATA", label: "See market data" },
    ],
  },
  {
    group: "Desk",
    scopes: [
      { scope: "MANAGE_RISK", label: "Set limits and policies" },
      { scope: "MANAGE_BROKERS", label: "Connect and reconcile brokers" },
      { scope: "MANAGE_STRATEGIES", label: "Write strategies" },
      { scope: "RUN_STRATEGIES", label: "Run strategies" },
    ],
  },
  {
    group: "Firm",
    scopes: [
      { scope: "MANAGE_WEBHOOKS", label: "Manage webhooks" },
      { scope: "VIEW_AUDIT", label: "Read the audit log" },
      { scope: "MANAGE_MEMBERS", label: "Manage members" },
      { scope: "ADMIN_TENANT", label: "Administer the firm" },
    ],
  },
];

const LABELS: ReadonlyMap<Scope, string> = new Map(SCOPES.flatMap(({ scopes }) => scopes.map(({ scope, label }) => [scope, label])));

export function scopeInWords(scope: Scope): string {
  return LABELS.get(scope) ?? scope;
}

export const ROLES: readonly { role: Role; label: string; meaning: string }[] = [
  { role: "ADMIN", label: "Administrator", meaning: "Everything, members and the firm included" },
  { role: "MANAGER", label: "Manager", meaning: "Answers for portfolios: trades, approves, sets limits, connects brokers" },
  { role: "TRADER", label: "Trader", meaning: "Trades within limits that others set" },
  { role: "COMPLIANCE", label: "Compliance", meaning: "Watches, approves, cancels, sets limits; places no orders" },
  { role: "VIEWER", label: "Viewer", meaning: "Looks on" },
];

export function roleInWords(role: Role): string {
  return ROLES.find((each) => each.role === role)?.label ?? role;
}

export interface Grant {
  accountId: string;
  access: Access;
}

/** What a restriction leaves: "All accounts", "No account", or the accounts by number. */
export function grantsInWords(grants: readonly Grant[] | null, numbers: ReadonlyMap<string, string>): string {
  if (grants === null) return "All accounts";
  if (grants.length === 0) return "No account";
  return grants
    .map(({ accountId, access }) => {
      const number = numbers.get(accountId) ?? "another account";
      return access === "VIEW" ? `${number} (view)` : number;
    })
    .toSorted()
    .join(", ");
}

interface Named {
  email: string;
  firstName: string;
  lastName: string;
}

/** The name of a person, or the address where they have told none. */
export function nameOf(person: Named): string {
  return `${person.firstName} ${person.lastName}`.trim() || person.email;
}

const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/\bEdg\//, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\bFirefox\//, "Firefox"],
  [/\b(Headless)?Chrom(e|ium)\//, "Chrome"],
  [/\bVersion\/.*\bSafari\//, "Safari"],
  [/^python-httpx/i, "Python (httpx)"],
  [/^curl\//i, "curl"],
];
const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\b(iPhone|iPad)\b/, "iOS"],
  [/\bAndroid\b/, "Android"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b/, "macOS"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bLinux\b/, "Linux"],
];

/** Chrome on Linux, as people know what they signed in with; what is not known stays as it came. */
export function agentInWords(agent: string): string {
  const browser = BROWSERS.find(([pattern]) => pattern.test(agent))?.[1];
  const system = SYSTEMS.find(([pattern]) => pattern.test(agent))?.[1];
  if (!browser) return agent || "Unknown program";
  return system ? `${browser} on ${system}` : browser;
}
