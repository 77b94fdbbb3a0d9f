/** The instrument of the firm that a person names by its symbol, or by SYMBOL@EXCHANGE. */
import type { ResultOf } from "../graphql/document";
import { client } from "../graphql/client";
import { describeFailure } from "../graphql/failure";
import { INSTRUMENTS_BY_SYMBOL } from "./documents";

type Named = ResultOf<typeof INSTRUMENTS_BY_SYMBOL>["instruments"]["edges"][number]["node"];

const LOOKED_AT = 20;

export async function findInstrument(named: string): Promise<{ id: string } | { problem: string }> {
  const [symbol = ""] = named.trim().toUpperCase().split("@");
  if (symbol === "") return { problem: "Name the instrument by its symbol." };
  const { data, error } = await client.query(INSTRUMENTS_BY_SYMBOL, { symbols: [symbol], first: LOOKED_AT }).toPromise();
  if (error) return { problem: describeFailure(error) };
  return choose(named, data?.instruments.edges.map((edge) => edge.node) ?? []);
}

/** The one that is meant; where several bear the symbol, the exchange must be told. */
export function choose(named: string, found: readonly Named[]): { id: string } | { problem: string } {
  const [symbol = "", exchange] = named.trim().toUpperCase().split("@");
  const fitting = found.filter((each) => each.symbol === symbol && (exchange === undefined || each.exchange === exchange));
  const [first, second] = fitting;
  if (first === undefined) return { problem: `${named.trim()} is no instrument of the firm.` };
  if (second === undefined) return { id: first.id };
  const names = fitting.map((each) => `${each.symbol}@${each.exchange}`).join(", ");
  return { problem: `Several instruments are called so: ${names}.` };
}
