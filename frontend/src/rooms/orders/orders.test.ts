import { describe, expect, it } from "vitest";

import type { Order } from "./documents";
import { dayStart, filterOf, fits, spanOf } from "./filters";
import { asCurl, asGraphql, asPython, inputOf } from "./snippets";

const NOW = new Date(2026, 10, 21, 14, 0, 0);

const ORDER = {
  id: "0-order",
  clientOrderId: "it's mine",
  brokerOrderId: "17",
  side: "SELL",
  orderType: "LIMIT",
  quantity: "100",
  limitPrice: "187.42",
  stopPrice: null,
  trailingAmount: null,
  timeInForce: "DAY",
  expiresAt: null,
  postOnly: false,
  outsideRegularHours: true,
  account: { id: "a", accountNumber: "DU1", label: "Main" },
  instrument: { id: "i", symbol: "AAPL" },
} as Order;

describe("the blotter's filters", () => {
  it("ask for today's orders where the URL says nothing, or something odd", () => {
    expect(filterOf({}, null, NOW)).toEqual({ createdAfter: dayStart(NOW) });
    expect(spanOf({ show: "everything" })).toBe("today");
  });

  it("carry the accounts, the state and the side", () => {
    const filter = filterOf({ show: "working", state: "canceled", side: "SELL" }, ["a", "b"], NOW);

    expect(filter).toEqual({ accountIds: ["a", "b"], isOpen: true, states: ["CANCELED", "EXPIRED"], sides: ["SELL"] });
  });

  it("take whole days of a range, the last one too, and no day that is none", () => {
    const filter = filterOf({ show: "range", from: "2026-11-02", to: "2026-11-03" }, null, NOW);

    expect(filter.createdAfter).toBe(new Date(2026, 10, 2).toISOString());
    expect(filter.createdBefore).toBe(new Date(2026, 10, 4).toISOString());
    expect(filterOf({ show: "range", from: "soon", to: "2026-13-45" }, null, NOW)).toEqual({ createdAfter: dayStart(NOW) });
  });

  it("find by symbol, id and account whatever the case", () => {
    expect(["aap", "MINE", "du1", "main", "17", " "].map((text) => fits(ORDER, text))).toEqual([true, true, true, true, true, true]);
    expect(fits(ORDER, "msft")).toBe(false);
  });
});

describe("an order as the request that places it", () => {
  it("has what was said and nothing else", () => {
    expect(inputOf(ORDER)).toEqual({
      accountId: "a",
      instrumentId: "i",
      side: "SELL",
      orderType: "LIMIT",
      quantity: "100",
      limitPrice: "187.42",
      timeInForce: "DAY",
      outsideRegularHours: true,
      clientOrderId: "it's mine",
    });
    expect(asGraphql(ORDER)).toContain('"quantity": "100"');
  });

  it("survives a shell whatever its id holds, and names no key", () => {
    const curl = asCurl({ ...ORDER, clientOrderId: "'; rm -rf /; '" }, "http://oms.test/graphql");

    expect(curl).toContain("$OMS_API_KEY");
    expect(curl.replaceAll(`'"'"'`, "")).not.toContain("'; rm");
  });

  it("is Python and not JSON", () => {
    const python = asPython(ORDER, "http://oms.test/graphql");

    expect(python).toContain('"outsideRegularHours": True,');
    expect(python).toContain("os.environ['OMS_API_KEY']");
  });
});
