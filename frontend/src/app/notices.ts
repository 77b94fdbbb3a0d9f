/** What happened while the person looked elsewhere: fills, refusals, connections, risk, compliance. The newest of this session. */
import { formatDecimal } from "../shared/format/decimal";
import { formatEnum } from "../shared/format/time";
import { client } from "../shared/graphql/client";
import { createFeed } from "../shared/live/feed";
import { subscribe } from "../shared/live/socket";
import { alertsTopic, casesTopic, restrictionsTopic, tripsTopic, type Topic } from "../shared/live/topics";
import { toast } from "../shared/overlay/toasts";
import { accountName, accounts } from "../shared/session/accounts";
import { createValue, useValue } from "../shared/value";
import { FILLS, MISSED, REFUSED_ORDERS } from "./documents";

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

/** Follows until the answer is called; begins with what happens from now on. Compliance is told to whom it concerns. */
export function followNotices(isCompliance: boolean): () => void {
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
    followTrips(),
    ...(isCompliance ? [followCompliance()] : []),
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
  return alertsTopic.follow({
    take({ riskAlerts: told }) {
      if (told.alert === null) return;
      notice({
        id: `${told.breachId} ${told.alert}`,
        tone: told.alert === "BREACH" ? "critical" : told.alert === "WARNING" ? "warn" : "ok",
        text: `${ALERTS[told.alert]}: ${formatEnum(told.limit.limitType)}`,
        detail: joined(nameOfAccount(told.accountId), `${Math.round(told.ratio * 100)} % used`),
        at: new Date().toISOString(),
      });
    },
  });
}

const ALERTS = { WARNING: "Nearly full", BREACH: "Breached", CLEARED: "Within again" } as const;

type TopicData<Each> = Each extends Topic<infer Data> ? Data : never;

/** A clock of the server's that is a little behind ours makes nothing old. */
const LEEWAY_MS = 60_000;

/** Tells when a circuit breaker halts by itself; those whose halts were in force before are on the banner. */
function followTrips(): () => void {
  const isNew = sinceNow();
  return tripsTopic.follow({
    take({ circuitBreakerTrips: trip }) {
      if (!isNew(trip.trippedAt)) return;
      notice({
        id: trip.id,
        tone: "critical",
        text: `Circuit breaker tripped: ${formatEnum(trip.kind).toLowerCase()}`,
        detail: joined(trip.accountId === null ? "the whole firm" : nameOfAccount(trip.accountId), trip.reason),
        at: trip.trippedAt,
      });
    },
  });
}

/** Tells when a case is opened and when a restricted name is touched; what was missed is asked for when the socket is back. */
function followCompliance(): () => void {
  const isNew = sinceNow();

  function caseOpened(one: TopicData<typeof casesTopic>["surveillanceCaseOpened"]): void {
    if (!isNew(one.openedAt)) return;
    notice({
      id: one.id,
      tone: "warn",
      text: `Case opened: ${formatEnum(one.kind).toLowerCase()}`,
      detail: joined(nameOfAccount(one.accountId), one.summary),
      at: one.openedAt,
    });
  }
  function restrictionTouched(alert: TopicData<typeof restrictionsTopic>["restrictionAlertAdded"]): void {
    if (!isNew(alert.createdAt)) return;
    notice({
      id: alert.id,
      tone: "warn",
      text: `Restricted name touched: ${formatEnum(alert.outcome).toLowerCase()}`,
      detail: nameOfAccount(alert.accountId),
      at: alert.createdAt,
    });
  }
  async function catchUp(): Promise<void> {
    const { data } = await client.query(MISSED, {}).toPromise();
    for (const { node } of data?.surveillanceCases.edges ?? []) caseOpened(node);
    for (const { node } of data?.restrictionAlerts.edges ?? []) restrictionTouched(node);
  }

  const stops = [
    casesTopic.follow({ take: (data) => caseOpened(data.surveillanceCaseOpened), onStart: () => void catchUp() }),
    restrictionsTopic.follow({ take: (data) => restrictionTouched(data.restrictionAlertAdded) }),
  ];
  return () => stops.forEach((stop) => stop());
}

function sinceNow(): (at: string) => boolean {
  const began = Date.now() - LEEWAY_MS;
  return (at) => Date.parse(at) >= began;
}

function nameOfAccount(id: string): string {
  const account = [...accounts.held()].find((each) => each.id === id);
  return account ? accountName(account) : "";
}

function joined(...parts: string[]): string {
  return parts.filter((each) => each !== "").join(", ");
}
