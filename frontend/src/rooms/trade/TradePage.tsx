/** One symbol, all of it: chart, ticket, orders and positions, beside the watchlist. */
import { useCallback, useEffect, useMemo, useState, type JSX } from "react";

import { decimalsOf, formatDecimal } from "../../shared/format/decimal";
import { BATCH_SILENCE_MS } from "../../shared/live/batches";
import { useBatches } from "../../shared/live/useBatches";
import { Choices } from "../../shared/page/Choices";
import { usePageSearch } from "../../shared/page/search";
import { Staleness } from "../../shared/page/Staleness";
import { Empty, Failed, Loading } from "../../shared/page/states";
import { useAccountIds } from "../../shared/session/accounts";
import { useMay } from "../../shared/session/viewer";
import { LiveBody } from "../../shared/table/LiveBody";
import { LiveTable } from "../../shared/table/LiveTable";
import { useTable } from "../../shared/table/useTable";
import { useExecutions } from "../executions/useExecutions";
import { isWorking, ORDER_COLUMNS } from "../orders/columns";
import { dayStart } from "../orders/filters";
import { OrderDrawer } from "../orders/OrderDrawer";
import { ORDERS } from "../orders/source";
import { POSITION_COLUMNS } from "../positions/columns";
import { POSITIONS } from "../positions/source";
import type { Draft } from "../ticket/draft";
import { takeTickets } from "../ticket/open";
import { Ticket } from "../ticket/Ticket";
import { useInstrument } from "../ticket/useInstrument";
import { PriceChart } from "./PriceChart";
import { INTERVALS, useBars, type ChartInterval } from "./useBars";
import { Watchlist } from "./Watchlist";

const THROTTLE_MS = 250;
const TABS = [
  ["orders", "Orders"],
  ["positions", "Positions"],
] as const;
const CHART_INTERVALS = Object.entries(INTERVALS).map(([value, { label }]) => [value, label] as const);

export function TradePage(): JSX.Element {
  const [search, patch] = usePageSearch();
  const symbol = search["symbol"] ?? "AAPL";
  const mayPlace = useMay("PLACE_ORDERS");
  const maySeePositions = useMay("VIEW_POSITIONS");
  const choose = useCallback((next: string) => patch({ symbol: next, order: undefined }), [patch]);
  const tab = search["tab"] === "positions" && maySeePositions ? "positions" : "orders";

  return (
    <div className="grid min-h-0 flex-1 gap-px bg-line max-lg:auto-rows-max max-lg:grid-cols-[minmax(0,1fr)] max-lg:overflow-auto lg:grid-cols-[256px_minmax(0,1fr)_304px] lg:grid-rows-[minmax(0,3fr)_minmax(0,2fr)]">
      <h1 className="sr-only">Trade {symbol}</h1>
      <div className="flex min-h-0 flex-col bg-surface max-lg:order-3 max-lg:max-h-80 lg:row-span-2 [&>*]:flex-1">
        <Watchlist chosen={symbol} onChoose={choose} />
      </div>
      <Chart symbol={symbol} />
      {mayPlace ? (
        <div className="min-h-0 overflow-auto bg-surface max-lg:order-2 lg:row-span-2">
          <h2 className="flex min-h-9 items-center border-b border-line px-4 font-semibold">Ticket</h2>
          <RoomTicket symbol={symbol} onSymbol={choose} />
        </div>
      ) : (
        <div className="bg-surface max-lg:hidden lg:row-span-2" />
      )}
      <section aria-label="Orders and positions" className="flex min-h-60 flex-col bg-surface max-lg:order-4 lg:min-h-0">
        <div className="flex min-h-9 items-center gap-2 border-b border-line px-4">
          <Choices label="What is listed" options={maySeePositions ? TABS : TABS.slice(0, 1)} chosen={tab} onChoose={(next) => patch({ tab: next === "orders" ? undefined : next })} />
        </div>
        {tab === "orders" ? <SymbolOrders symbol={symbol} /> : <SymbolPositions />}
      </section>
      {search["order"] !== undefined && (
        <div className="fixed inset-y-0 right-0 z-10 flex">
          <OrderDrawer key={search["order"]} id={search["order"]} row={undefined} onClose={() => patch({ order: undefined })} onOpen={(id) => patch({ order: id })} />
        </div>
      )}
    </div>
  );
}

/** The room's own ticket takes what is asked for by keys elsewhere; another symbol is another ticket. */
function RoomTicket({ symbol, onSymbol }: { symbol: string; onSymbol: (symbol: string) => void }): JSX.Element {
  const [request, setRequest] = useState<{ opening: number; given: Partial<Draft> }>({ opening: 0, given: { symbol } });
  const [typed, setTyped] = useState(symbol);
  useEffect(
    () => takeTickets((given) => setRequest((before) => ({ opening: before.opening + 1, given: { symbol: typed, ...given } }))),
    [typed],
  );
  useEffect(() => {
    if (symbol === typed) return;
    setTyped(symbol);
    setRequest((before) => ({ opening: before.opening + 1, given: { ...before.given, symbol } }));
  }, [symbol, typed]);
  const told = useCallback(
    (next: string) => {
      setTyped(next);
      if (next !== "") onSymbol(next);
    },
    [onSymbol],
  );
  return <Ticket key={request.opening} given={request.given} onSymbol={told} />;
}

function useSymbolOrders(symbol: string) {
  const accountIds = useAccountIds();
  const [openedAt] = useState(() => dayStart(new Date(), 6));
  return useBatches(ORDERS, {
    filter: { symbols: [symbol], createdAfter: openedAt, ...(accountIds === null ? {} : { accountIds: [...accountIds] }) },
    throttleMs: THROTTLE_MS,
  });
}

function Chart({ symbol }: { symbol: string }): JSX.Element {
  const [search, patch] = usePageSearch();
  const interval: ChartInterval = search["interval"] !== undefined && search["interval"] in INTERVALS ? (search["interval"] as ChartInterval) : "MINUTE_1";
  const { instrument, market, isLooking } = useInstrument(symbol);
  const { bars, failure } = useBars(instrument?.symbol ?? "", interval);
  const orders = useSymbolOrders(symbol).rows;
  const working = useMemo(() => orders.filter(isWorking), [orders]);
  const { rows: executions } = useExecutions(useAccountIds());
  const fills = useMemo(() => executions.filter((each) => each.instrument.symbol === symbol), [executions, symbol]);
  const decimals = decimalsOf(instrument?.tickSize ?? "0.01");

  return (
    <section aria-label="Chart" className="flex min-h-80 flex-col bg-surface max-lg:order-1 lg:min-h-0">
      <header className="flex min-h-9 flex-wrap items-center gap-x-4 gap-y-1 border-b border-line px-4 py-0.5">
        <h2 className="font-semibold">{symbol}</h2>
        <span className="truncate text-soft max-xl:hidden">{instrument?.name}</span>
        {market?.last && <span className="font-medium">{formatDecimal(market.last, { decimals })}</span>}
        {market?.bid && market.ask && (
          <span className="text-soft max-sm:hidden">
            {formatDecimal(market.bid, { decimals })} / {formatDecimal(market.ask, { decimals })}
          </span>
        )}
        <span className="ml-auto">
          <Choices label="Interval" options={CHART_INTERVALS} chosen={interval} onChoose={(next) => patch({ interval: next === "MINUTE_1" ? undefined : next })} />
        </span>
      </header>
      <div className="relative min-h-0 flex-1">
        {instrument === null ? (
          isLooking ? (
            <Loading />
          ) : (
            <Empty title={`No instrument of the firm is called ${symbol}.`}>Market adds it from the broker.</Empty>
          )
        ) : bars === null ? (
          failure === null ? (
            <Loading what="bars" />
          ) : (
            <Failed message={failure} />
          )
        ) : bars.length === 0 ? (
          <Empty title="The broker has no bars of this time." />
        ) : (
          <div className="absolute inset-0">
            <PriceChart
              symbol={instrument.symbol}
              bars={bars}
              seconds={INTERVALS[interval].seconds}
              tickSize={instrument.tickSize}
              last={market?.last ?? null}
              orders={working}
              fills={fills}
            />
          </div>
        )}
      </div>
    </section>
  );
}

/** Of one symbol, in a narrow place: how an order stands comes before how it was meant. */
const LINKED_KEYS = ["time", "state", "side", "quantity", "filled", "price", "average", "type", "validity", "account"];
const LINKED_COLUMNS = LINKED_KEYS.flatMap((key) => ORDER_COLUMNS.filter((column) => column.key === key));

function SymbolOrders({ symbol }: { symbol: string }): JSX.Element {
  const [search, patch] = usePageSearch();
  const { rows, feed, reload } = useSymbolOrders(symbol);
  const table = useTable("trade-orders", LINKED_COLUMNS);
  return (
    <>
      <Staleness feed={feed} silenceMs={BATCH_SILENCE_MS} isStreamed onRetry={reload} hasRows={rows.length > 0} />
      <LiveBody feed={feed} hasRows={rows.length > 0} onRetry={reload}>
        <LiveTable
          label={`Orders in ${symbol}`}
          table={table}
          rows={rows}
          rowKey={(row) => row.id}
          onOpen={(row) => patch({ order: row.id })}
          openKey={search["order"] ?? null}
          hasKeys
          empty={<Empty title={`No orders in ${symbol} within a week.`} />}
        />
      </LiveBody>
    </>
  );
}

function SymbolPositions(): JSX.Element {
  const accountIds = useAccountIds();
  const { rows, feed, reload } = useBatches(POSITIONS, { accountIds: accountIds === null ? null : [...accountIds], throttleMs: THROTTLE_MS });
  const table = useTable("trade-positions", POSITION_COLUMNS);
  return (
    <LiveBody feed={feed} hasRows={rows.length > 0} onRetry={reload}>
      <LiveTable label="Positions" table={table} rows={rows} rowKey={(row) => row.id} empty={<Empty title="Nothing is held." />} />
    </LiveBody>
  );
}
