/** What the overview shows, kept current: snapshots over HTTP, then events and ticks over the socket. */
import { stringifyDocument, type TypedDocumentNode } from "@urql/core";

import { client, openSocket } from "../../shared/graphql/client";
import { connection } from "../../shared/graphql/connection";
import type { ResultOf, VariablesOf } from "../../shared/graphql/document";
import { describeFailure } from "../../shared/graphql/failure";
import { createRowStore, type RowStore } from "../../shared/table/rows";
import {
  ACCOUNTS,
  INSTRUMENTS,
  ORDERS,
  ORDER_EVENTS,
  POSITIONS,
  TICKS,
  type Account,
  type Order,
  type Position,
} from "./documents";
import { createFeed, type Feed } from "../../shared/live/feed";
import { fromInstrument, isOlderQuote, withTick, type QuoteRow } from "./quotes";
import { cursorAfter, isGap } from "./sequence";

const ORDERS_SHOWN = 50;
const INSTRUMENTS_SHOWN = 50;
const TICK_THROTTLE_MS = 250;
const ACCOUNTS_EVERY_MS = 5_000;
const POSITIONS_EVERY_MS = 10_000;
const POSITIONS_AFTER_EVENT_MS = 300;
const FOLLOW_AGAIN_MS = 3_000;

export interface Desk {
  accounts: RowStore<Account>;
  positions: RowStore<Position>;
  orders: RowStore<Order>;
  quotes: RowStore<QuoteRow>;
  feeds: Record<"accounts" | "positions" | "orders" | "quotes", Feed>;
  /** Loads everything again and follows what is no longer followed. */
  reload(): void;
  /** Begins to load and listen; the answer ends it. */
  start(): () => void;
}

async function load<Data, Variables extends object>(
  feed: Feed,
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
): Promise<Data | undefined> {
  const { data, error } = await client.query<Data, Variables>(document, variables).toPromise();
  if (error) feed.fail(describeFailure(error));
  else feed.heard();
  return data;
}

export function createDesk(): Desk {
  const feeds = { accounts: createFeed(), positions: createFeed(), orders: createFeed(), quotes: createFeed() };
  const accounts = createRowStore<Account>({
    id: (row) => row.id,
    compare: (left, right) => left.accountNumber.localeCompare(right.accountNumber),
  });
  const positions = createRowStore<Position>({
    id: (row) => row.id,
    compare: (left, right) =>
      left.instrument.symbol.localeCompare(right.instrument.symbol) ||
      left.account.accountNumber.localeCompare(right.account.accountNumber),
  });
  const orders = createRowStore<Order>({
    id: (row) => row.id,
    // Ids are UUIDv7: newest first without reading times.
    compare: (left, right) => (left.id < right.id ? 1 : -1),
    isOlder: (next, held) => next.version < held.version,
    limit: ORDERS_SHOWN,
  });
  const quotes = createRowStore<QuoteRow>({
    id: (row) => row.instrumentId,
    compare: (left, right) => left.symbol.localeCompare(right.symbol),
    isOlder: isOlderQuote,
  });

  async function loadAccounts(): Promise<void> {
    const data = await load(feeds.accounts, ACCOUNTS, {});
    if (data) accounts.replace(data.brokerAccounts);
  }

  async function loadPositions(): Promise<void> {
    const data = await load(feeds.positions, POSITIONS, {});
    if (data) positions.replace(data.positions);
  }

  async function loadOrders(): Promise<ResultOf<typeof ORDERS>["orders"] | undefined> {
    const data = await load(feeds.orders, ORDERS, { first: ORDERS_SHOWN });
    if (data) orders.replace(data.orders.edges.map((edge) => edge.node));
    return data?.orders;
  }

  async function loadQuotes(): Promise<string[]> {
    const data = await load(feeds.quotes, INSTRUMENTS, { first: INSTRUMENTS_SHOWN });
    const nodes = data?.instruments.edges.map((edge) => edge.node) ?? [];
    if (data) quotes.replace(nodes.map(fromInstrument));
    return nodes.map((node) => node.symbol);
  }

  let catchUpNow: (() => void) | null = null;

  function start(): () => void {
    const socket = openSocket();
    const followed = new Set<string>();
    let isTicking = false;
    let isOver = false;
    let positionsTimer: ReturnType<typeof setTimeout> | undefined;
    let againTimer: ReturnType<typeof setTimeout> | undefined;

    /** A refusal stays on its panel until the person asks again; a stream that merely ended is followed anew. */
    function ended(feed: Feed, cause: unknown): void {
      if (isOver) return;
      const refusal = refusalOf(cause);
      if (refusal !== null) feed.fail(refusal);
      else
        againTimer ??= setTimeout(() => {
          againTimer = undefined;
          void catchUp();
        }, FOLLOW_AGAIN_MS);
    }

    function positionsSoon(): void {
      positionsTimer ??= setTimeout(() => {
        positionsTimer = undefined;
        void loadPositions();
        void loadAccounts();
      }, POSITIONS_AFTER_EVENT_MS);
    }

    function follow(accountId: string, cursor: number | undefined): void {
      if (isOver || followed.has(accountId)) return;
      followed.add(accountId);
      // graphql-ws sends this very object again after each reconnect, so the cursor in it resumes the log.
      const variables: VariablesOf<typeof ORDER_EVENTS> = { accountId, afterSequence: cursor ?? null };
      const end = (cause: unknown): void => {
        followed.delete(accountId);
        ended(feeds.orders, cause);
      };
      socket.subscribe<ResultOf<typeof ORDER_EVENTS>>(
        { query: stringifyDocument(ORDER_EVENTS), variables },
        {
          next: ({ data, errors }) => {
            if (errors?.[0]) feeds.orders.fail(errors[0].message);
            if (!data) return;
            const { sequence, order } = data.orderEvents;
            if (isGap(variables.afterSequence ?? undefined, sequence)) void loadOrders();
            variables.afterSequence = Math.max(variables.afterSequence ?? 0, sequence);
            orders.upsert(order);
            feeds.orders.heard();
            positionsSoon();
          },
          error: end,
          complete: () => end(null),
        },
      );
    }

    function followTicks(symbols: string[]): void {
      if (isOver || isTicking || symbols.length === 0) return;
      isTicking = true;
      const end = (cause: unknown): void => {
        isTicking = false;
        ended(feeds.quotes, cause);
      };
      socket.subscribe<ResultOf<typeof TICKS>>(
        { query: stringifyDocument(TICKS), variables: { symbols, throttleMs: TICK_THROTTLE_MS } },
        {
          next: ({ data, errors }) => {
            if (errors?.[0]) feeds.quotes.fail(errors[0].message);
            if (!data) return;
            feeds.quotes.heard();
            if (data.ticks.kind === "RESET") void loadQuotes();
            for (const tick of data.ticks.ticks) {
              const row = quotes.get(tick.instrumentId);
              if (row) quotes.upsert(withTick(row, tick));
            }
          },
          error: end,
          complete: () => end(null),
        },
      );
    }

    async function catchUp(): Promise<void> {
      const [, page] = await Promise.all([loadAccounts(), loadOrders(), loadPositions()]);
      if (page) {
        const newest = page.edges.map((edge) => edge.node);
        for (const account of accounts.held()) follow(account.id, cursorAfter(newest, page.totalCount, account.id));
      }
      followTicks(await loadQuotes());
    }

    let wasLive = false;
    const stopListening = connection.listen(() => {
      const isLive = connection.get() === "live";
      if (isLive && !wasLive) void catchUp();
      wasLive = isLive;
    });
    catchUpNow = () => void catchUp();
    void catchUp();
    const accountsTimer = setInterval(() => void loadAccounts(), ACCOUNTS_EVERY_MS);
    const positionsPoll = setInterval(() => void loadPositions(), POSITIONS_EVERY_MS);

    return () => {
      isOver = true;
      catchUpNow = null;
      stopListening();
      clearInterval(accountsTimer);
      clearInterval(positionsPoll);
      clearTimeout(positionsTimer);
      clearTimeout(againTimer);
      void socket.dispose();
    };
  }

  return { accounts, positions, orders, quotes, feeds, reload: () => catchUpNow?.(), start };
}

/** The words of a GraphQL refusal; null when the connection or the server merely went away. */
function refusalOf(cause: unknown): string | null {
  return Array.isArray(cause) ? ((cause[0] as { message?: string } | undefined)?.message ?? "Refused.") : null;
}
