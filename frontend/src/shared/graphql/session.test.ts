import { beforeEach, describe, expect, it, vi } from "vitest";

const stored = new Map<string, string>();
vi.stubGlobal("sessionStorage", {
  getItem: (key: string) => stored.get(key) ?? null,
  setItem: (key: string, value: string) => stored.set(key, value),
  removeItem: (key: string) => stored.delete(key),
});

const fetchMock = vi.fn<typeof fetch>();
vi.stubGlobal("fetch", fetchMock);

const { bearerToken, endOfSession, refresh, signIn, signOut, tokensFrom } = await import("./session");

const NOW = Date.parse("2026-11-21T12:00:00Z");
const FRESH = { accessToken: "a2", refreshToken: "r2", expiresAt: "2099-01-01T00:00:00Z" };

function answers(body: unknown, status = 200): void {
  fetchMock.mockImplementation(async () => new Response(JSON.stringify(body), { status }));
}

beforeEach(() => {
  fetchMock.mockReset();
  signOut();
  signIn({ kind: "tokens", accessToken: "a1", refreshToken: "r1", refreshAtMs: 0 });
});

describe("tokens", () => {
  it("are renewed half a minute before they end", () => {
    expect(tokensFrom({ ...FRESH, expiresAt: "2026-11-21T12:15:00Z" }, NOW).refreshAtMs).toBe(NOW + 870_000);
  });

  it("are used for a while even when the local clock runs ahead of their end", () => {
    expect(tokensFrom({ ...FRESH, expiresAt: "2026-11-21T09:00:00Z" }, NOW).refreshAtMs).toBe(NOW + 15_000);
  });
});

describe("a session that is about to end", () => {
  it("is renewed once for all who wait", async () => {
    answers({ data: { refreshToken: { tokens: FRESH, errors: [] } } });

    const tokens = await Promise.all([bearerToken(), bearerToken(), refresh()]);

    expect(tokens).toEqual(["a2", "a2", "a2"]);
    expect(fetchMock).toHaveBeenCalledTimes(1);
    expect(stored.get("oms.session")).toContain('"refreshToken":"r2"');
    expect(await bearerToken()).toBe("a2");
    expect(fetchMock).toHaveBeenCalledTimes(1);
  });

  it("is over when the server refuses to renew it", async () => {
    answers({ data: { refreshToken: { tokens: null, errors: [{ code: "UNAUTHENTICATED", message: "no" }] } } });

    expect(await bearerToken()).toBeNull();

    expect(stored.size).toBe(0);
    expect(endOfSession()).toBe("Your session has ended. Sign in again.");
  });

  it("is kept when the server answers that it cannot tell", async () => {
    answers({ data: null, errors: [{ message: "The database does not answer.", extensions: { code: "UNAVAILABLE" } }] });

    await expect(bearerToken()).rejects.toThrow("The database does not answer.");

    expect(stored.get("oms.session")).toContain('"refreshToken":"r1"');
  });

  it("is kept when the server fails", async () => {
    answers({}, 503);

    await expect(bearerToken()).rejects.toThrow("503");

    expect(stored.get("oms.session")).toContain('"refreshToken":"r1"');
  });
});

it("uses an API key as it is", async () => {
  signIn({ kind: "apiKey", apiKey: "key" });

  expect(await bearerToken()).toBe("key");
  expect(await refresh()).toBeNull();
  expect(fetchMock).not.toHaveBeenCalled();
});
