/** The instrument that a symbol names, with its market as it moves. */
import { useEffect, useState } from "react";

import { client } from "../../shared/graphql/client";
import { createFeed } from "../../shared/live/feed";
import { subscribe } from "../../shared/live/socket";
import { SUGGEST, TICKET_INSTRUMENT, TICKET_TICKS, type TicketInstrument } from "./documents";

const AFTER_MS = 150;

export type Market = Pick<NonNullable<TicketInstrument["quote"]>, "bid" | "ask" | "last">;

export interface Known {
  instrument: TicketInstrument | null;
  market: Market | null;
  isLooking: boolean;
}

const NOTHING: Known = { instrument: null, market: null, isLooking: false };

export function useInstrument(symbol: string): Known {
  const [known, setKnown] = useState<Known>(NOTHING);
  const wanted = symbol.trim().toUpperCase();
  useEffect(() => {
    setKnown(wanted === "" ? NOTHING : { ...NOTHING, isLooking: true });
    if (wanted === "") return;
    let isOver = false;
    let stop: (() => void) | undefined;
    const timer = setTimeout(() => {
      void client
        .query(TICKET_INSTRUMENT, { symbols: [wanted] })
        .toPromise()
        .then(({ data }) => {
          if (isOver) return;
          const found = data?.instruments.edges[0]?.node ?? null;
          setKnown({ instrument: found, market: found?.quote ?? null, isLooking: false });
          if (found === null) return;
          stop = subscribe(TICKET_TICKS, { symbols: [found.symbol] }, createFeed(), ({ ticks }) => {
            for (const tick of ticks.ticks) {
              if (tick.instrumentId !== found.id) continue;
              setKnown((before) => ({
                ...before,
                market: {
                  bid: tick.bid ?? before.market?.bid ?? null,
                  ask: tick.ask ?? before.market?.ask ?? null,
                  last: tick.last ?? before.market?.last ?? null,
                },
              }));
            }
          });
        });
    }, AFTER_MS);
    return () => {
      isOver = true;
      clearTimeout(timer);
      stop?.();
    };
  }, [wanted]);
  return known;
}

/** Symbols that begin like the text, for the list below the field. */
export function useSuggestions(text: string): readonly { symbol: string; name: string }[] {
  const [found, setFound] = useState<readonly { symbol: string; name: string }[]>([]);
  const search = text.trim();
  useEffect(() => {
    if (search === "") return;
    let isOver = false;
    const timer = setTimeout(() => {
      void client
        .query(SUGGEST, { search })
        .toPromise()
        .then(({ data }) => {
          if (!isOver && data) setFound(data.instruments.edges.map((edge) => edge.node));
        });
    }, AFTER_MS);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [search]);
  return found;
}
