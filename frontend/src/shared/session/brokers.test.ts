import { describe, expect, it, vi } from "vitest";

vi.hoisted(() => {
  vi.stubGlobal("localStorage", { getItem: () => null });
  vi.stubGlobal("location", { href: "http://localhost/" });
  vi.stubGlobal("document", { cookie: "" });
});
const { brokerState, unknownFor } = await import("./brokers");
type Account = Parameters<typeof unknownFor>[2][number];

function account(state: Account["connection"]["state"], isGateOpen = state === "CONNECTED"): Account {
  const connection = { state, isGateOpen, roundTripMs: null, lastHeartbeatAt: null, lastError: null, reconnectAttempts: 0 };
  return { isActive: true, isConnectionWanted: true, accountNumber: "DU1", label: null, connection } as Account;
}

const UP = [account("CONNECTED")];
const HEARD = { heardAtMs: 100_000, failure: null };

describe("what is known of the brokers", () => {
  it("holds while their accounts are heard of over a socket that lives", () => {
    expect(unknownFor(HEARD, "live", UP, 114_000)).toBeNull();
    expect(unknownFor({ heardAtMs: null, failure: null }, "reconnecting", [], 114_000)).toBeNull();
  });

  it("is unknown as soon as the socket is away, however short ago they were heard of", () => {
    expect(unknownFor(HEARD, "reconnecting", UP, 111_000)).toBe(11_000);
  });

  it("is unknown when a connected account is silent over a socket that lives", () => {
    expect(unknownFor(HEARD, "live", UP, 123_000)).toBe(23_000);
  });

  it("is unknown when nothing follows them any more", () => {
    expect(unknownFor({ ...HEARD, failure: "Not for you." }, "live", UP, 101_000)).toBe(1_000);
  });

  it("holds for accounts that are away, of which nothing is told until they come back", () => {
    expect(unknownFor(HEARD, "live", [account("DISCONNECTED")], 900_000)).toBeNull();
  });
});

describe("the broker pill", () => {
  it("is green while every account is connected and heard of", () => {
    expect(brokerState(UP, null)).toMatchObject({ tone: "ok", text: "Broker" });
  });

  it("tells the age of what it knows instead of being green", () => {
    expect(brokerState(UP, 23_000)).toEqual({
      tone: "warn",
      text: "Broker unknown, 23 s",
      detail: "Last heard of 23 s ago: how the connections stand now is not known.",
    });
  });

  it("names the account that is away", () => {
    expect(brokerState([...UP, account("DISCONNECTED")], null)).toMatchObject({ tone: "critical", text: "DU1 away" });
  });

  it("is not there for a firm that wants no connection", () => {
    expect(brokerState([], 23_000)).toBeNull();
  });
});
