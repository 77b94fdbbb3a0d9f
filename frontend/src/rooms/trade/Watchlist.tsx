/** The symbols that a person watches; the one that is chosen stands in the chart and in the ticket. */
import { useMemo, useState, type FormEvent, type JSX } from "react";

import { useShortcuts } from "../../shared/keyboard/shortcuts";
import { Staleness } from "../../shared/page/Staleness";
import { Empty } from "../../shared/page/states";
import { usePreference } from "../../shared/preferences/preferences";
import { LiveBody } from "../../shared/table/LiveBody";
import { Change, Last } from "../market/columns";
import { TICKS_SILENCE_MS, useQuotes } from "../market/useQuotes";

interface WatchlistProps {
  chosen: string;
  onChoose: (symbol: string) => void;
}

const SYMBOLS_MAX = 200;

/** Null until the person has a list of their own: then the firm's first instruments are shown. */
export function readWatchlist(raw: unknown): readonly string[] | null {
  if (!Array.isArray(raw)) return null;
  const symbols = raw.filter((each): each is string => typeof each === "string" && each !== "");
  return [...new Set(symbols)].slice(0, SYMBOLS_MAX);
}

export function Watchlist({ chosen, onChoose }: WatchlistProps): JSX.Element {
  const [list, setList] = usePreference("watchlist", readWatchlist);
  const key = JSON.stringify(list);
  const symbols = useMemo(() => JSON.parse(key) as string[] | null, [key]);
  const { rows, feed, reload } = useQuotes(symbols);
  const [text, setText] = useState("");
  const shown = symbols ?? rows.map((row) => row.symbol);

  function step(by: number): void {
    const at = rows.findIndex((row) => row.symbol === chosen);
    const next = rows[Math.min(rows.length - 1, Math.max(0, at + by))];
    if (next) onChoose(next.symbol);
  }
  useShortcuts("Watchlist", [
    { keys: "]", label: "Next symbol", run: () => step(1) },
    { keys: "[", label: "Symbol before", run: () => step(-1) },
  ]);

  function add(event: FormEvent): void {
    event.preventDefault();
    const symbol = text.trim().toUpperCase();
    if (symbol === "") return;
    setList([...shown.filter((each) => each !== symbol), symbol]);
    setText("");
    onChoose(symbol);
  }

  return (
    <section aria-label="Watchlist" className="flex min-h-0 flex-col bg-surface">
      <header className="flex min-h-9 items-center gap-2 border-b border-line px-4">
        <h2 className="font-semibold">Watchlist</h2>
        <span className="ml-auto">
          <Staleness feed={feed} silenceMs={TICKS_SILENCE_MS} isStreamed onRetry={reload} hasRows={rows.length > 0} />
        </span>
      </header>
      <LiveBody feed={feed} hasRows={rows.length > 0} onRetry={reload}>
        {rows.length === 0 && <Empty title="Nothing is watched.">Add a symbol below.</Empty>}
        <ul className="min-h-0 flex-1 overflow-auto">
          {rows.map((row) => (
            <li key={row.id} className={`group flex items-center ${row.symbol === chosen ? "bg-raised shadow-[inset_2px_0_0_var(--accent)]" : ""}`}>
              <button
                type="button"
                aria-pressed={row.symbol === chosen}
                className="grid min-h-6 min-w-0 flex-1 grid-cols-[1fr_auto_76px] items-center gap-3 pl-4 text-left text-[12.5px] hover:bg-raised"
                onClick={() => onChoose(row.symbol)}
              >
                <span className="truncate font-medium">{row.symbol}</span>
                <Last row={row} />
                <span className="text-right">
                  <Change row={row} />
                </span>
              </button>
              <button
                type="button"
                aria-label={`Watch ${row.symbol} no longer`}
                className="w-6 shrink-0 text-faint opacity-0 group-hover:opacity-100 hover:text-text focus-visible:opacity-100"
                onClick={() => setList(shown.filter((each) => each !== row.symbol))}
              >
                ×
              </button>
            </li>
          ))}
        </ul>
      </LiveBody>
      <form onSubmit={add} className="flex gap-2 border-t border-line p-2">
        <input aria-label="Add a symbol" placeholder="Add a symbol" className="input min-w-0 flex-1" value={text} onChange={(event) => setText(event.target.value)} />
        <button type="submit" className="control" disabled={text.trim() === ""}>
          Add
        </button>
      </form>
    </section>
  );
}
