/** How the installation fares: what it stands on, its version, the brokers, market data, and this browser's own line. */
import type { JSX } from "react";

import { Facts } from "../../shared/controls/Facts";
import { formatAge, formatTime } from "../../shared/format/time";
import { useConnection, type ConnectionStatus } from "../../shared/graphql/connection";
import { useRateLimit } from "../../shared/graphql/rateLimit";
import { RoomLink } from "../../shared/page/links";
import { Page } from "../../shared/page/Page";
import { Answered, Section } from "../../shared/query/Answered";
import { useStaleAge } from "../../shared/query/Stale";
import { useAnswer } from "../../shared/query/useAnswer";
import { modeOf } from "../../shared/session/accounts";
import { useMay } from "../../shared/session/viewer";
import { Status, type Tone } from "../../shared/table/Status";
import { Table, type Column } from "../../shared/table/Table";
import { linesInWords, paceInWords, stateInWords } from "../brokers/words";
import { INSTALLATION, OPS_ACCOUNTS, OPS_LINES, type Line, type OpsAccount } from "./documents";
import { skewOf, useHealth, type Look } from "./health";

const LOOK_EVERY_MS = 5_000;
const STALE_MS = 15_000;
const SKEW_MS_MAX = 2_000;

export function OpsPage(): JSX.Element {
  const maySeeOrders = useMay("VIEW_ORDERS");
  const maySeeMarket = useMay("VIEW_MARKET_DATA");
  return (
    <Page title="Ops">
      <div className="grid border-b border-line lg:grid-cols-2 lg:[&>section]:border-b-0">
        <ServerSection />
        <BrowserSection />
      </div>
      {maySeeOrders && <BrokersSection />}
      {maySeeMarket && <LinesSection />}
    </Page>
  );
}

function ServerSection(): JSX.Element {
  const health = useHealth(LOOK_EVERY_MS);
  const answer = useAnswer(INSTALLATION, {}, { everyMs: 3 * LOOK_EVERY_MS });
  const told = answer.data?.installation;
  return (
    <Section title="Server" answer={answer}>
      <Facts
        label="Server"
        facts={[
          ["State", stateOf(health)],
          ["PostgreSQL", health?.health && part(health.health.postgresql)],
          ["Redis", health?.health && part(health.health.redis)],
          ["Version", told?.version],
          ["Serving since", told && `${formatTime(told.startedAt)}, ${formatAge(new Date(told.serverTime).getTime() - new Date(told.startedAt).getTime())}`],
          ["Trading day", told && `begins at midnight in ${told.tradingTimeZone}`],
          ["Simulator", told && (told.hasSimulator ? "Bundled, for practice" : "None: production")],
          ["", answer.failure],
        ]}
      />
    </Section>
  );
}

function stateOf(look: Look | null): JSX.Element {
  if (look === null) return <Status tone="pending" label="Looking" />;
  if (look.health === null) return <Status tone="critical" label="It does not answer" />;
  const isReady = look.health.postgresql === "ok" && look.health.redis === "ok";
  return isReady ? <Status tone="ok" label="Ready" /> : <Status tone="critical" label="Not ready: something that it needs is away" />;
}

function part(state: "ok" | "away"): JSX.Element {
  return state === "ok" ? <Status tone="ok" label="Answers" /> : <Status tone="critical" label="Away" />;
}

const SOCKET: Record<ConnectionStatus, { tone: Tone; label: string }> = {
  idle: { tone: "ended", label: "Not open: nothing here is live" },
  connecting: { tone: "pending", label: "Connecting" },
  live: { tone: "ok", label: "Live" },
  reconnecting: { tone: "warn", label: "Reconnecting" },
};

function BrowserSection(): JSX.Element {
  const health = useHealth(LOOK_EVERY_MS);
  const limit = useRateLimit();
  const { data, heardAtMs } = useAnswer(INSTALLATION, {}, { everyMs: 3 * LOOK_EVERY_MS });
  const skewMs = data && heardAtMs !== null ? skewOf(data.installation.serverTime, heardAtMs) : null;
  return (
    <Section title="This browser">
      <Facts
        label="This browser"
        facts={[
          ["Socket", <Status key="socket" {...SOCKET[useConnection()]} />],
          ["Round trip", health && `${health.roundTripMs.toFixed(0)} ms`],
          ["Clock", skewMs !== null && <Clock key="clock" skewMs={skewMs} />],
          [
            "Limit",
            limit && (
              <span key="limit">
                {Math.round((limit.remaining / limit.limit) * 100)}% left · <RoomLink to="/developers" search={{ tab: "limits" }} className="text-accent underline underline-offset-2">Limits</RoomLink>
              </span>
            ),
          ],
        ]}
      />
    </Section>
  );
}

function Clock({ skewMs }: { skewMs: number }): JSX.Element {
  if (Math.abs(skewMs) <= SKEW_MS_MAX) return <Status tone="ok" label="Agrees with the server's" />;
  const seconds = (Math.abs(skewMs) / 1000).toFixed(0);
  return <Status tone="warn" label={`${seconds} s ${skewMs > 0 ? "behind" : "ahead of"} the server's: ages on this screen are off`} />;
}

type AccountRow = OpsAccount & { staleMs: number | null };

const ACCOUNT_COLUMNS: Column<AccountRow>[] = [
  { key: "account", header: "Account", cell: (row) => row.label ?? row.accountNumber },
  { key: "mode", header: "Mode", cell: (row) => modeOf(row), className: "max-sm:hidden" },
  {
    key: "state",
    header: "Connection",
    cell: (row) => {
      const { tone, label, meaning } = stateInWords(row, row.staleMs);
      return (
        <span title={meaning}>
          <Status tone={tone} label={label} />
        </span>
      );
    },
  },
  {
    key: "heard",
    header: "Last message",
    isNumber: true,
    cell: (row) => row.connection.lastHeartbeatAt && `${formatAge(Date.now() - new Date(row.connection.lastHeartbeatAt).getTime())} ago`,
    className: "max-sm:hidden",
  },
  {
    key: "trip",
    header: "Round trip",
    isNumber: true,
    cell: (row) => row.connection.roundTripMs !== null && `${row.connection.roundTripMs.toFixed(1)} ms`,
    className: "max-sm:hidden",
  },
  { key: "pace", header: "Pace", isNumber: true, cell: (row) => paceInWords(row.connection.pacing), className: "max-md:hidden" },
  { key: "lines", header: "Data lines", isNumber: true, cell: (row) => linesInWords(row.connection.marketDataLines), className: "max-md:hidden" },
  { key: "orders", header: "Open orders", isNumber: true, cell: (row) => row.ordersAtBroker },
];

function BrokersSection(): JSX.Element {
  const answer = useAnswer(OPS_ACCOUNTS, {}, { everyMs: LOOK_EVERY_MS });
  const staleMs = useStaleAge(answer, STALE_MS);
  return (
    <Section title="Brokers" answer={answer} staleMs={STALE_MS} isTable actions={<RoomLink to="/brokers">Brokers</RoomLink>}>
      <Answered
        answer={answer}
        what="the broker accounts"
        empty={({ brokerAccounts }) => (brokerAccounts.length === 0 ? { title: "No broker account yet." } : null)}
      >
        {({ brokerAccounts }) => (
          <Table label="Brokers" columns={ACCOUNT_COLUMNS} rows={brokerAccounts.map((account) => ({ ...account, staleMs }))} rowKey={(row) => row.id} />
        )}
      </Answered>
    </Section>
  );
}

const LINE_TONE: Record<Line["line"]["state"], Tone> = {
  NONE: "ended",
  OPENING: "pending",
  LIVE: "ok",
  DELAYED: "warn",
  FROZEN: "pending",
  REFUSED: "critical",
  EXHAUSTED: "critical",
  STALE: "warn",
};

const LINE_COLUMNS: Column<Line>[] = [
  { key: "symbol", header: "Symbol", cell: (row) => row.instrument.symbol },
  {
    key: "state",
    header: "Line",
    cell: (row) => <Status tone={LINE_TONE[row.line.state]} label={row.line.state.charAt(0) + row.line.state.slice(1).toLowerCase()} detail={row.line.reason} />,
  },
  { key: "tick", header: "Last tick", isNumber: true, cell: (row) => (row.lastTickAt === null ? "None yet" : formatTime(row.lastTickAt)) },
  { key: "gaps", header: "Gaps", isNumber: true, cell: (row) => row.gaps },
];

function LinesSection(): JSX.Element {
  const answer = useAnswer(OPS_LINES, {}, { everyMs: LOOK_EVERY_MS });
  return (
    <Section title="Market data" about="Instruments that are subscribed to for good." answer={answer} staleMs={STALE_MS} isTable>
      <Answered
        answer={answer}
        what="the market data"
        empty={({ marketDataSubscriptions }) =>
          marketDataSubscriptions.length === 0 ? { title: "Nothing is subscribed to for good.", words: "Pages subscribe to what they show while they show it." } : null
        }
      >
        {({ marketDataSubscriptions }) => <Table label="Market data" columns={LINE_COLUMNS} rows={marketDataSubscriptions} rowKey={(row) => row.id} />}
      </Answered>
    </Section>
  );
}
