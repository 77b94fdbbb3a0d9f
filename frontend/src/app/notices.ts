/** What happened while the person looked elsewhere: fills, refused orders, connections. The newest of this session. */
import { formatDecimal } from "../shared/format/decimal";
import { formatEnum } from "../shared/format/time";
import { createFeed } from "../shared/live/feed";
import { subscribe } from "../shared/live/socket";
import { toast } from "../shared/overlay/toasts";
import { accountName, accounts } from "../shared/session/accounts";
import { createValue, useValue } from "../shared/value";
import { FILLS, REFUSED_ORDERS, RISK_ALERTS } from "./documents";

export interface Notice {
  id: string;
  tone: "ok" | "warn" | "critical";
  text: string;
  detail: string | null;
  at: string;
}

const KEPT = 100;

const held = createValue<readonly Notice[]>([]);
const unread = createValue(0);

export function useNotices(): readonly Notice[] {
  return useValue(held);
}

export function useUnread(): number {
  return useValue(unread);
}

export function readNotices(): void {
  unread.set(0);
}

/** Takes a notice to the list, and to the screen when it is one to act on. The same one comes once. */
export function notice(next: Notice): void {
  if (held.get().some((each) => each.id === next.id)) return;
  held.set([next, ...held.get()].slice(0, KEPT));
  unread.set(unread.get() + 1);
  if (next.tone !== "ok") toast(next.tone, next.text, next.detail ?? undefined);
}

/** Follows until the answer is called; begins with what happens from now on. */
export function followNotices(): () => void {
  const feed = createFeed();
  const stops = [
    subscribe(FILLS, {}, feed, ({ executions: fill }) => {
      const deal = `${fill.side === "BUY" ? "Bought" : "Sold"} ${formatDecimal(fill.quantity)} ${fill.instrument.symbol}`;
      notice({
        id: fill.id,
        tone: fill.isCorrection ? "warn" : "ok",
        text: fill.isCorrection ? `Corrected: ${deal}` : deal,
        detail: `at ${formatDecimal(fill.price)}, ${accountName(fill.account)}`,
        at: fill.executedAt,
      });
    }),
    subscribe(
      REFUSED_ORDERS,
      { filter: { states: ["REJECTED"], createdAfter: new Date().toISOString() } },
      feed,
      ({ ordersChanged: { upserts } }) => {
        for (const order of upserts) {
          notice({
            id: order.id,
            tone: "critical",
            text: `Refused: ${formatEnum(order.side).toLowerCase()} ${formatDecimal(order.quantity)} ${order.instrument.symbol}`,
            detail: order.rejectReason,
            at: order.updatedAt,
          });
        }
      },
    ),
    followConnections(),
    followAlerts(),
  ];
  return () => {
    for (const stop of stops) stop();
    held.set([]);
    unread.set(0);
  };
}

/** Tells when an account's gate shuts and when it opens again. */
function followConnections(): () => void {
  const known = new Map<string, boolean>();
  return accounts.listen(() => {
    for (const account of accounts.held()) {
      const isOpen = account.connection.isGateOpen;
      const before = known.get(account.id);
      known.set(account.id, isOpen);
      if (before === undefined || before === isOpen) continue;
      const at = new Date().toISOString();
      notice({
        id: `${account.id} ${at}`,
        tone: isOpen ? "ok" : "warn",
        text: isOpen ? `${accountName(account)} sends orders again` : `${accountName(account)} sends no orders`,
        detail: isOpen ? null : (account.connection.lastError ?? "New orders wait until it is connected."),
        at,
      });
    }
  });
}

/** Tells when a limit is nearly full, breached, or neither any more, as the monitor does. */
function followAlerts(): () => void {
  return subscribe(RISK_ALERTS, {}, createFeed(), ({ riskAlerts: told }) => {
    if (told.alert === null) return;
    const account = [...accounts.held()].find((each) => each.id === told.accountId);
    notice({
      id: `${told.breachId} ${told.alert}`,
      tone: told.alert === "BREACH" ? "critical" : told.alert === "WARNING" ? "warn" : "ok",
      text: `${ALERTS[told.alert]}: ${formatEnum(told.limit.limitType)}`,
      detail: [account ? accountName(account) : "", `${Math.round(told.ratio * 100)} % used`].filter((each) => each !== "").join(", "),
      at: new Date().toISOString(),
    });
  });
}

const ALERTS = { WARNING: "Nearly full", BREACH: "Breached", CLEARED: "Within again" } as const;
