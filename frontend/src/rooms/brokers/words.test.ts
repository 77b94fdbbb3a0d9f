import { describe, expect, it } from "vitest";

import { actionInWords, breakState, efficiencyInWords, errorInWords, paceInWords, stateInWords, orderInWords } from "./words";

const STATES = ["DISCONNECTED", "CONNECTING", "SYNCHRONIZING", "CONNECTED", "DEGRADED", "BACKING_OFF"] as const;

describe("a connection", () => {
  it.each(STATES)("%s has its own words and what they mean", (state) => {
    const words = stateInWords({ isConnectionWanted: true, connection: { state, isGateOpen: false, reconnectAttempts: 2 } }, null);

    expect(words.label).not.toBe("");
    expect(words.meaning.endsWith(".")).toBe(true);
  });

  it("that is connected is not fine while its gate is shut", () => {
    const open = { state: "CONNECTED", isGateOpen: true, reconnectAttempts: 0 } as const;

    expect(stateInWords({ isConnectionWanted: true, connection: open }, null).tone).toBe("ok");
    expect(stateInWords({ isConnectionWanted: true, connection: { ...open, isGateOpen: false } }, null).tone).toBe("warn");
  });

  it("of which nothing was heard for long is unknown, and what it was is told with its age", () => {
    const open = { state: "CONNECTED", isGateOpen: true, reconnectAttempts: 0 } as const;

    expect(stateInWords({ isConnectionWanted: true, connection: open }, 23_000)).toEqual({
      tone: "warn",
      label: "Unknown",
      meaning: "Connected when it was last heard of, 23 s ago.",
    });
  });

  it("that nobody wants is told from one that nobody makes", () => {
    const connection = { state: "DISCONNECTED", isGateOpen: false, reconnectAttempts: 0 } as const;

    expect(stateInWords({ isConnectionWanted: false, connection }, null).label).toBe("Disconnected");
    expect(stateInWords({ isConnectionWanted: true, connection }, null).label).toBe("Waiting for a connector");
  });
});

describe("an error of a connection", () => {
  it.each([
    ["BROKER_CLIENT_ID_TAKEN: client id 7 is in use", "The gateway has another session"],
    ["1100 Connectivity between IB and TWS has been lost.", "The gateway has lost Interactive Brokers"],
  ])("%s", (error, begins) => {
    expect(errorInWords(error)?.startsWith(begins)).toBe(true);
  });

  it("that is not known is left to its own words", () => {
    expect(errorInWords("Something else")).toBeNull();
    expect(errorInWords("999 New.")).toBeNull();
    expect(errorInWords(null)).toBeNull();
  });
});

describe("pace and efficiency", () => {
  it("say what is used of what there is", () => {
    const pacing = { messagesPerSecond: 12, messagesPerSecondMax: 45, longestWaitSeconds: 0, at: "", waiting: [] };

    expect(paceInWords(pacing)).toBe("12 of 45 messages/s");
    expect(paceInWords({ ...pacing, messagesPerSecondMax: null, waiting: [{ priority: "NEW", waiting: 3, longestSeconds: 1 }] })).toBe(
      "12 messages/s, 3 waiting",
    );
    expect(paceInWords(null)).toBeNull();
  });

  it("warn of what the broker holds for excessive", () => {
    const day = { day: "2026-11-21", submissions: 30, revisions: 12, cancellations: 0, executedOrders: 1, ratio: "21.0", ratioMax: 20 };

    expect(efficiencyInWords({ ...day, isExcessive: true })).toMatchObject({ tone: "critical", label: "21 of 20, excessive" });
  });
});

describe("a break", () => {
  it("says how it ended", () => {
    expect(breakState({ state: "OPEN", resolution: "OPEN" }).label).toBe("Open");
    expect(breakState({ state: "RESOLVED", resolution: "ACCEPT_BROKER" }).label).toBe("Broker accepted");
    expect(breakState({ state: "VANISHED", resolution: "VANISHED" }).label).toBe("Vanished");
  });

  it("calls the same action by what it does to an order and to a position", () => {
    expect(actionInWords("ACCEPT_BROKER", "ORDER_UNKNOWN_AT_BROKER").label).toBe("Take its end");
    expect(actionInWords("ACCEPT_BROKER", "POSITION_QUANTITY").label).toBe("Accept the broker");
  });
});

describe("an order", () => {
  it("is told by its terms", () => {
    const order = { side: "BUY", orderType: "STOP_LIMIT", quantity: "1500.0", limitPrice: "187.50", stopPrice: "186.0", instrument: { symbol: "AAPL" } };

    expect(orderInWords(order)).toBe("BUY 1,500 AAPL stop 186 limit 187.5");
  });
});
