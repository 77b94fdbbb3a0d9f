/** How the brokers' connections stand, and whether what is known of them may still hold. */
import { useEffect, useState } from "react";

import { formatAge, formatEnum } from "../format/time";
import { useConnection, type ConnectionStatus } from "../graphql/connection";
import type { FeedState } from "../live/feed";
import type { Tone } from "../table/Status";
import { accountName, accountsFeed, useAccounts } from "./accounts";
import type { DeskAccount } from "./documents";

/** A connected account tells of itself every five seconds: so many missed are no chance. */
const SILENCE_MS_MAX = 15_000;
const LOOK_EVERY_MS = 1_000;

/** How old what is known of the brokers is, in milliseconds, once it may hold no longer; null while it does. */
export function unknownFor(feed: FeedState, link: ConnectionStatus, accounts: readonly DeskAccount[], nowMs: number): number | null {
  if (feed.heardAtMs === null) return null;
  const ageMs = Math.max(0, nowMs - feed.heardAtMs);
  // Nothing is told of accounts that are away for as long as they stay so.
  const isBeating = accounts.some(({ connection }) => connection.state === "CONNECTED");
  const isSilent = isBeating && ageMs > SILENCE_MS_MAX;
  return link === "reconnecting" || feed.failure !== null || isSilent ? ageMs : null;
}

/** The same of the accounts that are followed, looked at each second. */
export function useUnknownFor(): number | null {
  const link = useConnection();
  const accounts = useAccounts();
  const [unknownMs, setUnknownMs] = useState<number | null>(null);
  useEffect(() => {
    const look = (): void => setUnknownMs(unknownFor(accountsFeed.state(), link, accounts, Date.now()));
    look();
    const timer = setInterval(look, LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, [link, accounts]);
  return unknownMs;
}

export interface BrokerState {
  tone: Tone;
  text: string;
  detail: string;
}

/** The worst of the accounts on screen: what does not send orders now is what counts. */
export function brokerState(accounts: readonly DeskAccount[], unknownMs: number | null): BrokerState | null {
  const wanted = accounts.filter((account) => account.isActive && account.isConnectionWanted);
  if (wanted.length === 0) return null;
  if (unknownMs !== null) {
    const age = formatAge(unknownMs);
    return { tone: "warn", text: `Broker unknown, ${age}`, detail: `Last heard of ${age} ago: how the connections stand now is not known.` };
  }
  const away = wanted.filter(({ connection }) => connection.state !== "CONNECTED" || !connection.isGateOpen);
  const worst = away.find(({ connection }) => connection.state === "DISCONNECTED") ?? away[0];
  if (worst === undefined) return { tone: "ok", text: "Broker", detail: "Every account is connected, orders leave." };
  const { connection } = worst;
  const why = connection.state === "CONNECTED" ? "its gate is shut, orders wait" : formatEnum(connection.state).toLowerCase();
  const text = away.length === 1 ? `${accountName(worst)} away` : `${away.length} of ${wanted.length} away`;
  const tone = connection.state === "DISCONNECTED" ? "critical" : "warn";
  return { tone, text, detail: `${accountName(worst)}: ${why}${connection.lastError ? `. ${connection.lastError}` : ""}` };
}
