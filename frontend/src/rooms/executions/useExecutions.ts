/** Executions of the accounts on screen: the newest, older ones page by page, and each new one as it comes. */
import { useCallback, useEffect, useMemo, useRef, useState } from "react";

import { client } from "../../shared/graphql/client";
import { describeFailure } from "../../shared/graphql/failure";
import { createFeed, type Feed } from "../../shared/live/feed";
import { subscribe } from "../../shared/live/socket";
import { createRowStore, useRows } from "../../shared/table/rows";
import { EXECUTIONS, EXECUTIONS_LIVE, type Execution } from "./documents";

const PAGE = 200;

interface Executions {
  rows: readonly Execution[];
  feed: Feed;
  totalCount: number | null;
  /** Loads older ones; null when all are there. */
  loadOlder: (() => void) | null;
  reload: () => void;
}

/** Null asks for all accounts. One account is asked of the server; of several, what is of another is left out here. */
export function useExecutions(accountIds: readonly string[] | null): Executions {
  const key = JSON.stringify(accountIds);
  const [attempt, setAttempt] = useState(0);
  const [page, setPage] = useState<{ totalCount: number; next: string | null } | null>(null);
  const { store, feed } = useMemo(
    () => ({
      store: createRowStore<Execution>({
        id: (row) => row.id,
        compare: (left, right) => right.executedAt.localeCompare(left.executedAt) || (left.id < right.id ? 1 : -1),
      }),
      feed: createFeed(),
      key,
    }),
    [key],
  );
  const load = useRef<(after: string | null) => Promise<void>>(undefined);

  useEffect(() => {
    const ids = JSON.parse(key) as string[] | null;
    const isMine = (row: Execution): boolean => ids === null || ids.includes(row.account.id);
    let isOver = false;
    async function ask(after: string | null): Promise<void> {
      const accountId = ids?.length === 1 ? (ids[0] ?? null) : null;
      const { data, error } = await client.query(EXECUTIONS, { accountId, first: PAGE, after }).toPromise();
      if (isOver) return;
      if (error) feed.fail(describeFailure(error));
      if (!data) return;
      feed.heard();
      for (const { node } of data.executions.edges) if (isMine(node)) store.upsert(node);
      setPage((before) => {
        const { pageInfo, totalCount } = data.executions;
        // A look at the newest after a reconnect leaves the place of the older ones alone.
        if (after === null && before !== null) return { ...before, totalCount };
        return { totalCount, next: pageInfo.hasNextPage ? (pageInfo.endCursor ?? null) : null };
      });
    }
    load.current = ask;
    setPage(null);
    void ask(null);
    const stop = subscribe(EXECUTIONS_LIVE, { accountIds: ids }, feed, ({ executions }) => store.upsert(executions), {
      onStart: () => void ask(null),
    });
    return () => {
      isOver = true;
      stop();
    };
  }, [key, store, feed, attempt]);

  const next = page?.next ?? null;
  const reload = useCallback(() => setAttempt((before) => before + 1), []);
  return {
    rows: useRows(store),
    feed,
    totalCount: page?.totalCount ?? null,
    loadOlder: next === null ? null : () => void load.current?.(next),
    reload,
  };
}
