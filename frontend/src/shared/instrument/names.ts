/** Symbols of instruments that are known by their ids alone, each asked for once. */
import { useEffect } from "react";

import { client } from "../graphql/client";
import { createValue, useValue } from "../value";
import { INSTRUMENT_NAME } from "./documents";

const ID_TAIL = 6;

const known = createValue<ReadonlyMap<string, string>>(new Map());
const asked = new Set<string>();

async function ask(id: string): Promise<void> {
  if (asked.has(id)) return;
  asked.add(id);
  const { data, error } = await client.query(INSTRUMENT_NAME, { id }).toPromise();
  if (error) asked.delete(id);
  const node = data?.node;
  if (node && "symbol" in node) known.set(new Map([...known.get(), [id, node.symbol]]));
}

/** The symbol of an instrument, or a part of its id while that is not known; blank for none. */
export function useSymbols(ids: readonly (string | null)[]): (id: string | null) => string {
  const names = useValue(known);
  const wanted = [...new Set(ids)].filter((id) => id !== null && !names.has(id)).join(" ");
  useEffect(() => {
    for (const id of wanted.split(" ")) if (id !== "") void ask(id);
  }, [wanted]);
  return (id) => (id === null ? "" : (names.get(id) ?? `…${id.slice(-ID_TAIL)}`));
}
