import { describe, expect, it } from "vitest";

import { endAfter, keyState, readNetworks, snippets } from "./keys";

const NOW = new Date("2026-11-21T12:00:00Z");

describe("an API key", () => {
  it.each([
    [{ revokedAt: null, expiresAt: null }, "Active", true],
    [{ revokedAt: "2026-11-21T11:59:59Z", expiresAt: null }, "Revoked", false],
    [{ revokedAt: null, expiresAt: "2026-11-21T12:00:00Z" }, "Expired", false],
  ])("%j", (key, label, holds) => {
    expect(keyState(key, NOW)).toMatchObject({ label, holds });
  });

  it("that is being rotated, or ends within a week, says when", () => {
    expect(keyState({ revokedAt: null, expiresAt: "2026-11-22T12:00:00Z" }, NOW).label).toMatch(/^Ends /);
    expect(keyState({ revokedAt: "2026-11-21T13:00:00Z", expiresAt: "2027-11-21T13:00:00Z" }, NOW)).toMatchObject({ tone: "warn", holds: true });
    expect(keyState({ revokedAt: null, expiresAt: "2027-11-21T12:00:00Z" }, NOW)).toMatchObject({ tone: "ok", holds: true });
  });

  it("lives for days, or until it is revoked", () => {
    expect(endAfter("30", NOW)).toBe("2026-12-21T12:00:00.000Z");
    expect(endAfter("", NOW)).toBeNull();
  });

  it("may be held to networks, however they are typed", () => {
    expect(readNetworks("10.0.0.0/8, 192.0.2.7\n2001:db8::/32 ")).toEqual(["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]);
    expect(readNetworks(" ")).toEqual([]);
  });

  it("is never in an example", () => {
    for (const { text } of snippets("https://oms.example/graphql")) expect(text).not.toContain("oms_");
  });
});
