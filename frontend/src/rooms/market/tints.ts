/** How long a move of the last price is tinted. */

/** The tint begins and ends at once: an animation would draw its row in every frame while the market moves. */
export const TINT_MS = 600;

export interface Tints {
  /** The instrument's price moved now: its tint ends later than it would have. */
  begin(id: string): void;
  /** No tint ends any more. */
  stop(): void;
}

/** `end` is told of the instruments whose price has stood for TINT_MS. */
export function createTints(end: (ids: readonly string[]) => void, now: () => number = () => performance.now()): Tints {
  const until = new Map<string, number>();
  let timer: ReturnType<typeof setTimeout> | undefined;

  function look(): void {
    timer = undefined;
    const at = now();
    const over: string[] = [];
    for (const [id, ends] of until) {
      // The first to move is the first to end.
      if (ends > at) break;
      over.push(id);
      until.delete(id);
    }
    wait();
    if (over.length > 0) end(over);
  }

  function wait(): void {
    const [next] = until.values();
    if (timer === undefined && next !== undefined) timer = setTimeout(look, Math.max(0, next - now()));
  }

  return {
    begin(id) {
      until.delete(id);
      until.set(id, now() + TINT_MS);
      wait();
    },
    stop() {
      clearTimeout(timer);
      until.clear();
    },
  };
}
