/** One question to the API as a page holds it: its answer, whether that is old, why there is none, and asking again. */
import type { AnyVariables, CombinedError, TypedDocumentNode } from "@urql/core";
import { useCallback, useEffect, useRef, useState } from "react";

import { client } from "../graphql/client";
import { describeFailure } from "../graphql/failure";

export interface Answer<Data> {
  data: Data | null;
  /** What went wrong the last time; what was heard before stays in `data`. */
  failure: string | null;
  /** True when the credential may not ask this, now or ever until its role changes. */
  isForbidden: boolean;
  isLoading: boolean;
  /** Milliseconds of the local clock when `data` came. */
  heardAtMs: number | null;
  reload: () => void;
}

interface State<Data> {
  key: string;
  data: Data | null;
  failure: string | null;
  isForbidden: boolean;
  heardAtMs: number | null;
}

export interface Asking {
  /** Asks again every so often while the page is in sight. */
  everyMs?: number;
  /** False asks nothing. */
  isWanted?: boolean;
}

const FORBIDDEN = new Set(["FORBIDDEN", "STEP_UP_REQUIRED", "TWO_FACTOR_ENROLMENT_REQUIRED"]);

export function isForbidden(error: CombinedError): boolean {
  return error.graphQLErrors.some((each) => FORBIDDEN.has(String(each.extensions["code"])));
}

/** Does it every so often while the page is in sight, and at once when it comes back into it. */
export function whileInSight(everyMs: number, run: () => void): () => void {
  function look(): void {
    if (document.visibilityState === "visible") run();
  }
  const timer = setInterval(look, everyMs);
  document.addEventListener("visibilitychange", look);
  return () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", look);
  };
}

export function useAnswer<Data, Variables extends AnyVariables>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  { everyMs, isWanted = true }: Asking = {},
): Answer<Data> {
  const key = JSON.stringify(variables);
  const blank: State<Data> = { key, data: null, failure: null, isForbidden: false, heardAtMs: null };
  const [state, setState] = useState<State<Data>>(blank);
  const newest = useRef(0);

  const ask = useCallback(async () => {
    newest.current += 1;
    const mine = newest.current;
    const { data, error } = await client.query<Data, Variables>(document, JSON.parse(key) as Variables).toPromise();
    // An answer that a later question has overtaken is of no use.
    if (mine !== newest.current) return;
    setState((held) => {
      const before = held.key === key ? held : null;
      if (error) {
        const forbidden = isForbidden(error);
        const kept = forbidden ? null : (before?.data ?? null);
        return { key, data: kept, failure: describeFailure(error), isForbidden: forbidden, heardAtMs: before?.heardAtMs ?? null };
      }
      return { key, data: data ?? null, failure: null, isForbidden: false, heardAtMs: Date.now() };
    });
  }, [document, key]);

  useEffect(() => {
    if (!isWanted) return undefined;
    void ask();
    if (everyMs === undefined) return () => void (newest.current += 1);
    const stop = whileInSight(everyMs, () => void ask());
    return () => {
      newest.current += 1;
      stop();
    };
  }, [ask, everyMs, isWanted]);

  const shown = state.key === key ? state : blank;
  return {
    data: shown.data,
    failure: shown.failure,
    isForbidden: shown.isForbidden,
    isLoading: isWanted && shown.data === null && shown.failure === null,
    heardAtMs: shown.heardAtMs,
    reload: useCallback(() => void ask(), [ask]),
  };
}
