/** What the server says of what it stands on, and how long it takes to say it. */
import { useEffect, useState } from "react";

import { whileInSight } from "../../shared/query/useAnswer";

export interface Health {
  postgresql: "ok" | "away";
  redis: "ok" | "away";
}

export interface Look {
  /** Null when the server itself did not answer. */
  health: Health | null;
  roundTripMs: number;
}

const LOOK_MS_MAX = 5_000;

/** Reads the answer of /health/ready, which has a body whether or not the server is ready. */
export function readHealth(body: unknown): Health | null {
  if (typeof body !== "object" || body === null) return null;
  const { postgresql, redis } = body as Record<string, unknown>;
  if (postgresql === undefined || redis === undefined) return null;
  return { postgresql: postgresql === "ok" ? "ok" : "away", redis: redis === "ok" ? "ok" : "away" };
}

/** The server's clock ahead of this one's, by what it told and when that came: late by the way of one answer. */
export function skewOf(serverTime: string, heardAtMs: number): number {
  return Date.parse(serverTime) - heardAtMs;
}

export async function look(): Promise<Look> {
  const startedAt = performance.now();
  try {
    const response = await fetch("/health/ready", { cache: "no-store", signal: AbortSignal.timeout(LOOK_MS_MAX) });
    const roundTripMs = performance.now() - startedAt;
    return { health: readHealth(await response.json()), roundTripMs };
  } catch {
    return { health: null, roundTripMs: performance.now() - startedAt };
  }
}

/** Looks now and every so often while the page is in sight. */
export function useHealth(everyMs: number): Look | null {
  const [last, setLast] = useState<Look | null>(null);
  useEffect(() => {
    let isWanted = true;
    async function again(): Promise<void> {
      const found = await look();
      if (isWanted) setLast(found);
    }
    void again();
    const stop = whileInSight(everyMs, () => void again());
    return () => {
      isWanted = false;
      stop();
    };
  }, [everyMs]);
  return last;
}
