/** What the server said last about how much may still be asked: the limit that is nearest, in units of cost. */
import { createValue, useValue } from "../value";

export interface RateLimit {
  /** What may come at once after a pause. */
  limit: number;
  remaining: number;
  /** Seconds until all is there again. */
  resetSeconds: number;
  policy: string;
}

const told = createValue<RateLimit | null>(null);

export function noteRateLimit(headers: Headers): void {
  const next = readRateLimit(headers);
  if (next !== null) told.set(next);
}

/** Reads the headers of an answer; null where it has none, as without limits. */
export function readRateLimit(headers: Headers): RateLimit | null {
  const [limit, remaining, resetSeconds] = ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"].map((name) => {
    const text = headers.get(name);
    return text === null ? Number.NaN : Number(text.split(",")[0]);
  }) as [number, number, number];
  if ([limit, remaining, resetSeconds].some(Number.isNaN)) return null;
  return { limit, remaining, resetSeconds, policy: headers.get("ratelimit-policy") ?? "" };
}

export function useRateLimit(): RateLimit | null {
  return useValue(told);
}
