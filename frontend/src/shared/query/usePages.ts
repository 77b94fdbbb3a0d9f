/** A list that comes in pages, as far as it was asked for; asking again reads it from its begin. */
import type { AnyVariables, TypedDocumentNode } from "@urql/core";
import { useCallback, useEffect, useRef, useState } from "react";

import { client } from "../graphql/client";
import { describeFailure } from "../graphql/failure";
import { isForbidden, whileInSight, type Answer } from "./useAnswer";

export interface PageOf<Row> {
  rows: readonly Row[];
  /** Where the next page begins; null behind the last. */
  next: string | null;
  totalCount: number | null;
}

export interface Paged<Row> {
  rows: readonly Row[];
  hasMore: boolean;
  totalCount: number | null;
}

export interface Pages<Row> extends Answer<Paged<Row>> {
  more: () => void;
  isLoadingMore: boolean;
}

interface State<Row> {
  key: string;
  rows: readonly Row[] | null;
  next: string | null;
  totalCount: number | null;
  failure: string | null;
  isForbidden: boolean;
  heardAtMs: number | null;
  isLoadingMore: boolean;
}

interface Paging<Data, Row> {
  pageOf: (data: Data) => PageOf<Row>;
  everyMs?: number;
}

/** The document's variables, `after` apart, are the question; another question begins at the first page. */
export function usePages<Data, Variables extends AnyVariables & { after?: string | null }, Row>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Omit<Variables, "after">,
  { pageOf, everyMs }: Paging<Data, Row>,
): Pages<Row> {
  const key = JSON.stringify(variables);
  const blank: State<Row> = {
    key,
    rows: null,
    next: null,
    totalCount: null,
    failure: null,
    isForbidden: false,
    heardAtMs: null,
    isLoadingMore: false,
  };
  const [state, setState] = useState<State<Row>>(blank);
  const newest = useRef(0);
  const reads = useRef(pageOf);
  useEffect(() => {
    reads.current = pageOf;
  });

  const ask = useCallback(
    async (after: string | null, before: readonly Row[]) => {
      newest.current += 1;
      const mine = newest.current;
      const asked = { ...(JSON.parse(key) as object), after } as Variables;
      const { data, error } = await client.query<Data, Variables>(document, asked).toPromise();
      if (mine !== newest.current) return;
      setState((held) => {
        const kept = held.key === key ? held : { ...held, rows: null, heardAtMs: null, next: null, totalCount: null };
        if (error || !data) {
          const forbidden = error !== undefined && isForbidden(error);
          const failure = error ? describeFailure(error) : "The server answered nothing.";
          return { ...kept, key, failure, isForbidden: forbidden, isLoadingMore: false, ...(forbidden ? { rows: null } : {}) };
        }
        const page = reads.current(data);
        return {
          key,
          rows: [...before, ...page.rows],
          next: page.next,
          totalCount: page.totalCount,
          failure: null,
          isForbidden: false,
          heardAtMs: Date.now(),
          isLoadingMore: false,
        };
      });
    },
    [document, key],
  );

  const shown = state.key === key ? state : blank;
  const isDeep = useRef(false);
  useEffect(() => {
    isDeep.current = false;
    void ask(null, []);
    const stop =
      everyMs === undefined
        ? undefined
        : whileInSight(everyMs, () => {
            // Who has gone deeper than the first page is reading: nothing moves under their eyes.
            if (!isDeep.current) void ask(null, []);
          });
    return () => {
      newest.current += 1;
      stop?.();
    };
  }, [ask, everyMs]);

  const { rows, next } = shown;
  return {
    data: rows === null ? null : { rows, hasMore: next !== null, totalCount: shown.totalCount },
    failure: shown.failure,
    isForbidden: shown.isForbidden,
    isLoading: rows === null && shown.failure === null,
    heardAtMs: shown.heardAtMs,
    isLoadingMore: shown.isLoadingMore,
    reload: useCallback(() => {
      isDeep.current = false;
      void ask(null, []);
    }, [ask]),
    more: () => {
      if (next === null || rows === null) return;
      isDeep.current = true;
      setState({ ...shown, isLoadingMore: true });
      void ask(next, rows);
    },
  };
}

interface Connection<Node> {
  totalCount?: number;
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
  edges: readonly { node: Node }[];
}

/** The page of a connection. */
export function pageOfConnection<Node>(connection: Connection<Node>): PageOf<Node> {
  const { pageInfo, edges, totalCount } = connection;
  return {
    rows: edges.map((edge) => edge.node),
    next: pageInfo.hasNextPage ? pageInfo.endCursor : null,
    totalCount: totalCount ?? null,
  };
}

/** The page of a plain list, which goes on behind its last id as long as pages are full. */
export function pageOfList<Row extends { id: string }>(rows: readonly Row[], first: number): PageOf<Row> {
  return { rows, next: rows.length < first ? null : (rows.at(-1)?.id ?? null), totalCount: null };
}
