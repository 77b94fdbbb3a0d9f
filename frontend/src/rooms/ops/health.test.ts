import { describe, expect, it, vi } from "vitest";

vi.mock("../../shared/graphql/client", () => ({ client: {} }));
const { readHealth, skewOf } = await import("./health");

describe("the health of the server", () => {
  it("is read whether it is ready or not", () => {
    expect(readHealth({ status: "ok", postgresql: "ok", redis: "ok" })).toEqual({ postgresql: "ok", redis: "ok" });
    expect(readHealth({ status: "unavailable", postgresql: "ok", redis: "away" })).toEqual({ postgresql: "ok", redis: "away" });
  });

  it("is not guessed from the page of a proxy", () => {
    expect(readHealth("Bad gateway")).toBeNull();
    expect(readHealth({ error: "Bad gateway" })).toBeNull();
    expect(readHealth(null)).toBeNull();
  });
});

describe("two clocks", () => {
  it("are held together by what the server told and when it came", () => {
    const at = Date.parse("2026-11-21T12:00:00.500Z");

    expect(skewOf("2026-11-21T12:00:00.500000Z", at)).toBe(0);
    expect(skewOf("2026-11-21T12:00:05.500000Z", at)).toBe(5000);
    expect(skewOf("2026-11-21T11:59:59.500000Z", at)).toBe(-1000);
  });
});
