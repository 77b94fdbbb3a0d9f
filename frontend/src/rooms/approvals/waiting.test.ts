import { describe, expect, it } from "vitest";

import { leftInWords, makerOf, reasonsOf, secondsLeft } from "./waiting";

const NOW = Date.parse("2026-11-21T12:00:00Z");
const REQUEST = {
  policyId: "p",
  policyVersion: 1,
  reasons: ["Worth more than USD 1,000"],
  decision: null,
  by: null,
  at: null,
  reason: null,
  requestedAt: "2026-11-21T11:55:00Z",
  expiresAt: "2026-11-21T12:04:05Z",
};

describe("an order that waits", () => {
  it("has the time of its shortest request", () => {
    const approvals = [REQUEST, { ...REQUEST, expiresAt: "2026-11-21T12:01:00Z" }];

    expect(secondsLeft({ approvals }, NOW)).toBe(60);
    expect(secondsLeft({ approvals }, NOW + 600_000)).toBe(0);
    expect(secondsLeft({ approvals: [{ ...REQUEST, decision: "APPROVED" }] }, NOW)).toBeNull();
  });

  it("says the time that is left", () => {
    expect([0, 65, 245, 4321].map(leftInWords)).toEqual(["Time is up", "1:05", "4:05", "1 h 12 min"]);
  });

  it("says each reason once", () => {
    expect(reasonsOf({ approvals: [REQUEST, REQUEST] })).toEqual(REQUEST.reasons);
  });

  it("has the maker who placed it", () => {
    const events = [
      { type: "OrderApprovalRequested", actor: "user:a", occurredAt: "" },
      { type: "OrderApproved", actor: "user:b", occurredAt: "" },
    ];

    expect(makerOf({ events })).toBe("user:a");
    expect(makerOf({ events: [] })).toBeNull();
  });
});
