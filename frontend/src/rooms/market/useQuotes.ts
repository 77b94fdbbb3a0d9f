/** Live quotes of the instruments with these symbols, or of the firm's first ones. */
import { useCallback, useEffect, useMemo, useState } from "react";

import { client } from "../../shared/graphql/client";
import { describeFailure } from "../../shared/graphql/failure";
import { createFeed, type Feed } from "../../shared/live/feed";
import { subscribe } from "../../shared/live/socket";
import { createRowStore, useRows } from "../../shared/table/rows";
import { INSTRUMENTS, TICKS } from "./documents";
import { fromInstrument, isOlderQuote, withTick, type QuoteRow } from "./quotes";
import { createTints } from "./tints";

/** Twice and a half the heartbeat of the tick stream. */
export const TICKS_SILENCE_MS = 12_000;
const SHOWN_MAX = 200;
const THROTTLE_MS = 250;

interface Quotes {
  rows: readonly QuoteRow[];
  feed: Feed;
  reload: () => void;
}

/** Null asks for the first of all instruments. */
export function useQuotes(symbols: readonly string[] | null): Quotes {
  const key = JSON.stringify(symbols);
  const [attempt, setAttempt] = useState(0);
  const { store, feed } = useMemo(
    () => ({
      store: createRowStore<QuoteRow>({
        id: (row) => row.id,
        compare: (left, right) => left.symbol.localeCompare(right.symbol),
        isOlder: isOlderQuote,
      }),
      feed: createFeed(),
      key,
    }),
    [key],
  );

  useEffect(() => {
    const wanted = JSON.parse(key) as string[] | null;
    let isOver = false;
    let stop: (() => void) | undefined;
    const tints = createTints((ids) => {
      for (const id of ids) {
        const row = store.get(id);
        if (row) store.upsert({ ...row, move: 0 });
      }
    });
    async function load(): Promise<readonly string[]> {
      const { data, error } = await client.query(INSTRUMENTS, { symbols: wanted, first: SHOWN_MAX }).toPromise();
      if (isOver) return [];
      if (error) feed.fail(describeFailure(error));
      if (!data) return [];
      feed.heard();
      const nodes = data.instruments.edges.map((edge) => edge.node);
      store.replace(nodes.map(fromInstrument));
      return nodes.map((node) => node.symbol);
    }
    void load().then((found) => {
      if (isOver || found.length === 0) return;
      stop = subscribe(
        TICKS,
        { symbols: [...found], throttleMs: THROTTLE_MS },
        feed,
        ({ ticks }) => {
          if (ticks.kind === "RESET") void load();
          for (const tick of ticks.ticks) {
            const row = store.get(tick.instrumentId);
            if (!row) continue;
            const next = withTick(row, tick);
            if (next.last !== row.last && next.move !== 0) tints.begin(next.id);
            store.upsert(next);
          }
        },
        { onStart: () => void load() },
      );
    });
    return () => {
      isOver = true;
      stop?.();
      tints.stop();
    };
  }, [key, store, feed, attempt]);

  const reload = useCallback(() => setAttempt((before) => before + 1), []);
  return { rows: useRows(store), feed, reload };
}
