/** What brokers, connections and differences of the books mean, for whoever keeps the desk running. */
import { formatDecimal } from "../../shared/format/decimal";
import { termsInWords, type Terms } from "../../shared/format/terms";
import { formatAge } from "../../shared/format/time";
import type { Tone } from "../../shared/table/Status";
import type { Account, Break, Connection, Reconciliation } from "./documents";

export interface Words {
  tone: Tone;
  label: string;
  /** What it means, and what happens next. */
  meaning: string;
}

type Stand = Pick<Account, "isConnectionWanted"> & {
  connection: Pick<Connection, "state" | "isGateOpen" | "reconnectAttempts">;
};

/** How it stands, or, with the age of what is known in milliseconds, how it stood then. */
export function stateInWords(stand: Stand, staleMs: number | null): Words {
  const words = knownInWords(stand);
  if (staleMs === null) return words;
  return { tone: "warn", label: "Unknown", meaning: `${words.label} when it was last heard of, ${formatAge(staleMs)} ago.` };
}

function knownInWords({ isConnectionWanted, connection: { state, isGateOpen, reconnectAttempts } }: Stand): Words {
  switch (state) {
    case "CONNECTED":
      return isGateOpen
        ? { tone: "ok", label: "Connected", meaning: "Synchronised with the broker: new orders leave at once." }
        : { tone: "warn", label: "Connected, shut", meaning: "The connection stands, but new orders wait until its gate opens. Cancels leave." };
    case "CONNECTING":
      return { tone: "pending", label: "Connecting", meaning: "The gateway is being reached. New orders wait; none is lost." };
    case "SYNCHRONIZING":
      return {
        tone: "working",
        label: "Synchronising",
        meaning: "The broker is asked for all orders, executions and positions. New orders leave when our books agree with it.",
      };
    case "DEGRADED":
      return { tone: "warn", label: "Degraded", meaning: "The gateway is there, but not the broker behind it. New orders wait; cancels leave." };
    case "BACKING_OFF":
      return {
        tone: "critical",
        label: `Trying again, ${reconnectAttempts} ${reconnectAttempts === 1 ? "try" : "tries"} so far`,
        meaning: "The connection broke or was refused. It is tried again, more and more slowly; what works at the broker goes on working there.",
      };
    case "DISCONNECTED":
      return isConnectionWanted
        ? { tone: "pending", label: "Waiting for a connector", meaning: "A connector takes the account within a second. If this stays, no connector is running." }
        : { tone: "ended", label: "Disconnected", meaning: "As somebody asked for. Orders that work at the broker go on there; new ones wait." };
  }
}

const MEANINGS: Readonly<Record<string, string>> = {
  BROKER_UNREACHABLE: "Nothing answers at the gateway's address. Is TWS or IB Gateway running, is its API switched on, and is the port right?",
  BROKER_CLIENT_ID_TAKEN: "The gateway has another session under this client id. It may be an old one that it has not given up yet; else give this account an id of its own.",
  BROKER_ACCOUNT_UNKNOWN: "The login of the gateway does not manage this account. Check the account number, and who is logged in there.",
  BROKER_TIMED_OUT: "The gateway is there but did not answer in time. It is asked again.",
  BROKER_DISCONNECTED: "The connection broke. It is made anew, and what was missed is asked for.",
  BROKER_BUSY: "The gateway's pace is used up. It is asked again when there is room.",
  BROKER_REFUSED: "The gateway refused the session.",
  BROKER_LEASE_LOST: "Another connector has taken the account. Nothing is lost.",
  BROKER_RESTARTING: "The gateway restarts, as it does each day. New orders wait until it is back.",
  CONNECTOR_AWAY: "No connector runs: nothing can be asked of the broker until one does.",
  "1100": "The gateway has lost Interactive Brokers. It comes back by itself.",
  "1101": "The gateway has Interactive Brokers again, and the market data has to be asked for anew.",
  "1102": "The gateway has Interactive Brokers again, and its data was kept.",
  "1300": "The gateway was given another port. Change the account's port to it.",
  "2110": "The gateway has lost its line to Interactive Brokers' server. It comes back by itself.",
  "326": "The client id is in use at the gateway.",
  "502": "Nothing answers at the gateway's address.",
  "504": "The gateway is not connected.",
};

/** What an error of a connection means, beside its own words; null for one that says all itself. */
export function errorInWords(error: string | null): string | null {
  if (error === null) return null;
  const code = /^([A-Z][A-Z_]+|\d{3,5})\b/.exec(error)?.[1];
  return code === undefined ? null : (MEANINGS[code] ?? null);
}

interface KindWords {
  label: string;
  /** What to do about it. */
  advice: string;
}

const KINDS: Readonly<Record<string, KindWords>> = {
  POSITION_QUANTITY: {
    label: "Quantities differ",
    advice: "Find the cause: an assignment, a transfer, a split, a trade in TWS. Book a known cause as what it is; else adjust.",
  },
  UNKNOWN_INSTRUMENT: {
    label: "Not one of our instruments",
    advice: "The broker holds something that the firm has not as an instrument. Add it, and it is compared like any other.",
  },
  AVERAGE_COST: { label: "Costs differ", advice: "The quantities agree; the broker's average cost differs from ours by more than 1%." },
  ORDER_UNKNOWN_AT_BROKER: {
    label: "The broker does not know an order",
    advice: "We take it for alive. Ask once more; if the broker still does not know it, take its end.",
  },
  ORDER_UNKNOWN_TO_US: {
    label: "An order that cannot be imported",
    advice: "Its instrument or its kind is not known here. End it where it was placed.",
  },
  EXTERNAL_ORDER: { label: "An order of others", advice: "It was placed outside, as in TWS by hand. Claim it, or leave it as it is." },
  COMMISSION_MISSING: { label: "A commission is missing", advice: "The broker was asked several times what an execution cost, and did not tell." },
};

export function kindInWords(kind: string): KindWords {
  return KINDS[kind] ?? { label: kind, advice: "" };
}

export const SEVERITY: Record<Break["severity"], { tone: Tone; label: string }> = {
  CRITICAL: { tone: "critical", label: "Critical" },
  WARNING: { tone: "warn", label: "Warning" },
  NOTICE: { tone: "pending", label: "Notice" },
};

export function breakState(one: Pick<Break, "state" | "resolution">): { tone: Tone; label: string } {
  if (one.state === "OPEN") return { tone: "warn", label: "Open" };
  if (one.state === "VANISHED") return { tone: "ended", label: "Vanished" };
  return { tone: "ok", label: RESOLUTIONS[one.resolution] ?? "Resolved" };
}

const RESOLUTIONS: Readonly<Record<string, string>> = {
  ADJUST: "Adjusted",
  ACCEPT_BROKER: "Broker accepted",
  IGNORE: "Ignored",
};

type Action = Break["actions"][number];

export function actionInWords(action: Action, kind: string): { label: string; meaning: string } {
  switch (action) {
    case "ADJUST":
      return { label: "Adjust", meaning: "Books what the broker holds, at our average price." };
    case "ACCEPT_BROKER":
      return kind === "ORDER_UNKNOWN_AT_BROKER"
        ? { label: "Take its end", meaning: "The order is dead: it ends here too, and is never sent again." }
        : { label: "Accept the broker", meaning: "Books what the broker holds, at the broker's average cost." };
    case "IGNORE":
      return { label: "Ignore", meaning: "Books nothing. It is not told again while the difference stays the same." };
  }
}

export const OCCASIONS: Record<Reconciliation["occasion"], string> = {
  CONNECT: "Connected",
  RECONNECT: "Connected anew",
  DEMAND: "Somebody asked",
  SWEEP: "It was time",
};

/** 1,250 of 50 msg/s. */
export function paceInWords(pacing: Connection["pacing"]): string | null {
  if (pacing === null) return null;
  const most = pacing.messagesPerSecondMax === null ? "" : ` of ${pacing.messagesPerSecondMax}`;
  const waiting = pacing.waiting.reduce((sum, queue) => sum + queue.waiting, 0);
  return `${pacing.messagesPerSecond}${most} messages/s${waiting === 0 ? "" : `, ${waiting} waiting`}`;
}

export function linesInWords(lines: Connection["marketDataLines"]): string | null {
  return lines === null ? null : `${lines.used} of ${lines.limit}`;
}

export function efficiencyInWords(efficiency: Connection["orderEfficiency"]): Words | null {
  if (efficiency === null) return null;
  const { ratio, ratioMax, isExcessive, submissions, revisions, cancellations, executedOrders } = efficiency;
  return {
    tone: isExcessive ? "critical" : "ok",
    label: `${formatDecimal(ratio)} of ${ratioMax}${isExcessive ? ", excessive" : ""}`,
    meaning: `${submissions} submissions, ${revisions} revisions and ${cancellations} cancellations for ${executedOrders} executed orders today. Above ${ratioMax} the broker may restrict trading.`,
  };
}

interface Order extends Terms {
  side: string;
  quantity: string;
  instrument: { symbol: string };
}

/** BUY 100 AAPL limit 187.42. */
export function orderInWords(order: Order): string {
  return `${order.side} ${formatDecimal(order.quantity)} ${order.instrument.symbol} ${termsInWords(order)}`;
}

export function ageInWords(seconds: number): string {
  return formatAge(seconds * 1000);
}
