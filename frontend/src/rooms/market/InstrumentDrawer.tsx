import { useCallback, useEffect, useState, type JSX } from "react";

import { client } from "../../shared/graphql/client";
import type { ResultOf } from "../../shared/graphql/document";
import { describeFailure } from "../../shared/graphql/failure";
import { formatDecimal } from "../../shared/format/decimal";
import { NOTHING } from "../../shared/format/Pnl";
import { formatEnum, formatTime } from "../../shared/format/time";
import { Drawer } from "../../shared/overlay/Drawer";
import { toast } from "../../shared/overlay/toasts";
import { RoomLink } from "../../shared/page/links";
import { Empty, Failed, Loading } from "../../shared/page/states";
import { Facts, Section } from "../orders/OrderDetails";
import { Line } from "./columns";
import { INSTRUMENT, SUBSCRIBE_MARKET_DATA, UNSUBSCRIBE_MARKET_DATA } from "./documents";

type Answer = ResultOf<typeof INSTRUMENT>;
type Instrument = Extract<NonNullable<Answer["node"]>, { symbol: string }>;

/** All that is known of an instrument: contract, sessions, its line of market data. */
export function InstrumentDrawer({ id, onClose }: { id: string; onClose: () => void }): JSX.Element {
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const load = useCallback(async () => {
    const { data, error } = await client.query(INSTRUMENT, { id }).toPromise();
    setAnswer(data ?? null);
    setFailure(error ? describeFailure(error) : null);
  }, [id]);
  useEffect(() => void load(), [load]);
  const instrument = answer?.node && "symbol" in answer.node ? answer.node : null;

  if (instrument === null) {
    return (
      <Drawer title="Instrument" onClose={onClose}>
        {failure !== null ? (
          <Failed message={failure} onRetry={() => void load()} />
        ) : answer === null ? (
          <Loading />
        ) : (
          <Empty title="There is no such instrument." />
        )}
      </Drawer>
    );
  }
  return (
    <Drawer
      title={instrument.symbol}
      summary={<span className="truncate text-soft">{instrument.name}</span>}
      actions={
        <RoomLink to="/trade" search={{ symbol: instrument.symbol }} className="control">
          Chart
        </RoomLink>
      }
      onClose={onClose}
    >
      <Contract instrument={instrument} />
      <DataLine instrument={instrument} subscriptions={answer?.marketDataSubscriptions ?? []} onChanged={() => void load()} />
      <Sessions instrument={instrument} />
    </Drawer>
  );
}

function Contract({ instrument }: { instrument: Instrument }): JSX.Element {
  return (
    <Section title="Contract">
      <Facts
        facts={[
          ["Type", formatEnum(instrument.instrumentType)],
          ["Exchange", instrument.exchange],
          ["Currency", instrument.currency],
          ["Tick size", formatDecimal(instrument.tickSize)],
          ["Lot size", formatDecimal(instrument.lotSize)],
          ["Multiplier", formatDecimal(instrument.multiplier)],
          ...(instrument.expiresOn === null ? [] : [["Expires on", instrument.expiresOn] as const]),
          ...(instrument.strike === null ? [] : [["Strike", formatDecimal(instrument.strike)] as const]),
          ...(instrument.optionRight === null ? [] : [["Right", formatEnum(instrument.optionRight)] as const]),
          ...(instrument.underlyingSymbol === null ? [] : [["On", instrument.underlyingSymbol] as const]),
          ["Broker's contract", instrument.brokerContractId ?? NOTHING],
          ["Described", instrument.describedAt === null ? NOTHING : formatTime(instrument.describedAt)],
        ]}
      />
    </Section>
  );
}

interface DataLineProps {
  instrument: Instrument;
  subscriptions: Answer["marketDataSubscriptions"];
  onChanged: () => void;
}

function DataLine({ instrument, subscriptions, onChanged }: DataLineProps): JSX.Element {
  const held = subscriptions.find((each) => each.instrument.id === instrument.id);
  const [isBusy, setIsBusy] = useState(false);

  async function change(): Promise<void> {
    setIsBusy(true);
    const told = held
      ? await client
          .mutation(UNSUBSCRIBE_MARKET_DATA, { input: { subscriptionId: held.id } })
          .toPromise()
          .then(({ data, error }) => (error ? describeFailure(error) : data?.unsubscribeMarketData.errors[0]?.message))
      : await client
          .mutation(SUBSCRIBE_MARKET_DATA, { input: { symbol: instrument.symbol, exchange: instrument.exchange } })
          .toPromise()
          .then(({ data, error }) => (error ? describeFailure(error) : data?.subscribeMarketData.errors[0]?.message));
    setIsBusy(false);
    if (told) toast("critical", "The market data could not be changed.", told);
    onChanged();
  }

  return (
    <Section title="Market data">
      <Facts
        facts={[
          ["Line", <Line key="line" line={instrument.quote?.line ?? null} />],
          ["Held for the firm", held ? `since ${formatTime(held.createdAt)}` : "no"],
          ...(held ? [["Messages", held.ticksReceived.toLocaleString("en")] as const, ["Gaps", String(held.gaps)] as const] : []),
        ]}
      />
      <button type="button" className="control mt-2" disabled={isBusy} onClick={() => void change()}>
        {held ? "Hold it no longer" : "Hold a line always"}
      </button>
    </Section>
  );
}

function Sessions({ instrument }: { instrument: Instrument }): JSX.Element | null {
  if (instrument.tradingSessions.length === 0) return null;
  return (
    <Section title={`Sessions${instrument.timeZone === null ? "" : `, exchange in ${instrument.timeZone}`}`}>
      <ul>
        {instrument.tradingSessions.slice(0, 14).map((session) => (
          <li key={`${session.date} ${session.kind} ${session.opensAt}`} className="grid grid-cols-[84px_80px_1fr] gap-x-3">
            <span>{session.date}</span>
            <span className="text-soft">{formatEnum(session.kind)}</span>
            <span className="text-right text-soft">
              {session.opensAt !== null && session.closesAt !== null && `${formatTime(session.opensAt)} to ${formatTime(session.closesAt)}`}
            </span>
          </li>
        ))}
      </ul>
    </Section>
  );
}
