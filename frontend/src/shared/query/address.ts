/** What stands behind the ? of the address, as the state of a page: it survives a reload and can be sent to a colleague. */
import { useCallback, useSyncExternalStore } from "react";

const CHANGED = "oms:address";

export type Changes = Record<string, string | null>;

/** The query with some of its values changed; a null or blank one goes. Names stand in their old order. */
export function withChanges(search: string, changes: Changes): string {
  const values = new URLSearchParams(search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") values.delete(name);
    else values.set(name, value);
  }
  const text = values.toString();
  return text === "" ? "" : `?${text}`;
}

function listen(listener: () => void): () => void {
  addEventListener("popstate", listener);
  addEventListener(CHANGED, listener);
  return () => {
    removeEventListener("popstate", listener);
    removeEventListener(CHANGED, listener);
  };
}

export interface Address {
  get: (name: string) => string;
  /** Goes there: back leads to what was before. */
  go: (changes: Changes) => void;
  /** Goes there in the place of what was, as while somebody types. */
  replace: (changes: Changes) => void;
}

export function useAddress(): Address {
  const search = useSyncExternalStore(listen, () => location.search);
  const get = useCallback((name: string) => new URLSearchParams(search).get(name) ?? "", [search]);
  const go = useCallback((changes: Changes) => move("pushState", changes), []);
  const replace = useCallback((changes: Changes) => move("replaceState", changes), []);
  return { get, go, replace };
}

function move(how: "pushState" | "replaceState", changes: Changes): void {
  const search = withChanges(location.search, changes);
  if (search === location.search) return;
  history[how](history.state, "", `${location.pathname}${search}${location.hash}`);
  dispatchEvent(new Event(CHANGED));
}
