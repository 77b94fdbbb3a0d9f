import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { createTints, TINT_MS } from "./tints";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function tints() {
  const ended: string[][] = [];
  return { ended, ...createTints((ids) => ended.push([...ids])) };
}

describe("the tint of a price that moved", () => {
  it("ends a while after the price stood", () => {
    const { ended, begin } = tints();

    begin("AAPL");
    vi.advanceTimersByTime(TINT_MS - 1);
    expect(ended).toEqual([]);
    vi.advanceTimersByTime(1);

    expect(ended).toEqual([["AAPL"]]);
  });

  it("goes on while the price moves, and others end meanwhile", () => {
    const { ended, begin } = tints();

    begin("AAPL");
    begin("MSFT");
    vi.advanceTimersByTime(TINT_MS / 2);
    begin("AAPL");
    vi.advanceTimersByTime(TINT_MS / 2);
    expect(ended).toEqual([["MSFT"]]);
    vi.advanceTimersByTime(TINT_MS / 2);

    expect(ended).toEqual([["MSFT"], ["AAPL"]]);
  });

  it("is told of no more when nobody looks", () => {
    const { ended, begin, stop } = tints();

    begin("AAPL");
    stop();
    vi.advanceTimersByTime(2 * TINT_MS);

    expect(ended).toEqual([]);
  });
});
