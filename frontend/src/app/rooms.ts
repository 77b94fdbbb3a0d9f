/** Every room of the dashboard, in the order of the navigation. The build reads it too: the server serves its paths. */
import type { ComponentType } from "react";

import type { Scope } from "../shared/session/viewer";

export interface Room {
  path: `/${string}`;
  title: string;
  /** Keys that go there, such as "g o". */
  keys: string;
  group: "Trading" | "Oversight" | "Firm";
  /** What the person must be allowed to; null for everybody. */
  scope: Scope | null;
  /** Words that the command palette finds it by, beside its title. */
  also?: string;
  load: () => Promise<{ Page: ComponentType }>;
}

export const ROOMS: readonly Room[] = [
  {
    path: "/",
    title: "Overview",
    keys: "g h",
    group: "Trading",
    scope: "VIEW_ORDERS",
    also: "home accounts",
    load: () => import("../rooms/overview/route"),
  },
  {
    path: "/trade",
    title: "Trade",
    keys: "g t",
    group: "Trading",
    scope: "VIEW_MARKET_DATA",
    also: "chart candles watchlist ticket",
    load: () => import("../rooms/trade/route"),
  },
  {
    path: "/orders",
    title: "Orders",
    keys: "g o",
    group: "Trading",
    scope: "VIEW_ORDERS",
    also: "blotter cancel modify",
    load: () => import("../rooms/orders/route"),
  },
  {
    path: "/executions",
    title: "Executions",
    keys: "g e",
    group: "Trading",
    scope: "VIEW_ORDERS",
    also: "fills trades",
    load: () => import("../rooms/executions/route"),
  },
  {
    path: "/positions",
    title: "Positions & P&L",
    keys: "g p",
    group: "Trading",
    scope: "VIEW_POSITIONS",
    also: "pnl result equity drawdown close reverse",
    load: () => import("../rooms/positions/route"),
  },
  {
    path: "/market",
    title: "Market",
    keys: "g m",
    group: "Trading",
    scope: "VIEW_MARKET_DATA",
    also: "quotes instruments",
    load: () => import("../rooms/market/route"),
  },
  {
    path: "/approvals",
    title: "Approvals",
    keys: "g a",
    group: "Oversight",
    scope: "VIEW_ORDERS",
    also: "approve reject waiting second person",
    load: () => import("../rooms/approvals/route"),
  },
  {
    path: "/brokers",
    title: "Brokers",
    keys: "g b",
    group: "Oversight",
    scope: "VIEW_ORDERS",
    also: "connections reconciliation breaks in doubt external orders gateway simulator faults",
    load: () => import("../rooms/brokers/route"),
  },
  {
    path: "/audit",
    title: "Audit",
    keys: "g u",
    group: "Oversight",
    scope: "VIEW_AUDIT",
    also: "log verify chain export",
    load: () => import("../rooms/audit/route"),
  },
  {
    path: "/developers",
    title: "Developers",
    keys: "g d",
    group: "Firm",
    scope: null,
    also: "API keys graphiql usage limits",
    load: () => import("../rooms/developers/route"),
  },
  {
    path: "/settings",
    title: "Settings",
    keys: "g s",
    group: "Firm",
    scope: null,
    also: "profile password second factor sessions members roles invitations policies firm theme",
    load: () => import("../rooms/settings/route"),
  },
  {
    path: "/ops",
    title: "Ops",
    keys: "g n",
    group: "Firm",
    scope: null,
    also: "health version connections clock",
    load: () => import("../rooms/ops/route"),
  },
  {
    path: "/about",
    title: "About",
    keys: "g i",
    group: "Firm",
    scope: null,
    also: "licences attribution version",
    load: () => import("../rooms/about/route"),
  },
];

/** The room of a path. */
export function roomOf(path: string): Room | undefined {
  return ROOMS.find((room) => room.path === path);
}

/** What the person may open, in order. */
export function openRooms(scopes: readonly string[]): readonly Room[] {
  return ROOMS.filter((room) => room.scope === null || scopes.includes(room.scope));
}
