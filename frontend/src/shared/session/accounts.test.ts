import { describe, expect, it, vi } from "vitest";

vi.hoisted(() => {
  vi.stubGlobal("localStorage", { getItem: () => null });
  vi.stubGlobal("location", { href: "http://localhost/" });
  vi.stubGlobal("document", { cookie: "" });
});
const { chosenOf, holdingChoice, modeOf } = await import("./accounts");
const { grouped } = await import("./dayPnl");
type Account = Parameters<typeof chosenOf>[1][number];

function account(id: string, broker: Account["broker"], isPaper: boolean): Account {
  return { id, broker, isPaper, accountNumber: id, label: null } as Account;
}

const ALL = [account("live", "INTERACTIVE_BROKERS", false), account("test", "INTERACTIVE_BROKERS", true), account("house", "PAPER", true)];

describe("the accounts on screen", () => {
  it("trade money, the broker's test account or the house", () => {
    expect(ALL.map(modeOf)).toEqual(["LIVE", "PAPER", "SIM"]);
  });

  it.each([
    ["all", ["live", "test", "house"]],
    ["PAPER", ["test"]],
    ["live", ["live"]],
  ])("are for %s %j", (choice, ids) => {
    expect(chosenOf(choice, ALL).map(({ id }) => id)).toEqual(ids);
  });

  it("are all when the one that was chosen is no more", () => {
    expect(holdingChoice("gone", ALL)).toBe("all");
    expect(holdingChoice("SIM", ALL)).toBe("SIM");
  });
});

describe("the day's result", () => {
  it("adds up what has the same mode and currency, and nothing else", () => {
    const sums = grouped([
      { mode: "LIVE", currency: "USD", net: "1.10" },
      { mode: "PAPER", currency: "USD", net: "5" },
      { mode: "LIVE", currency: "EUR", net: "7" },
      { mode: "LIVE", currency: "USD", net: "-0.2" },
    ]);

    expect(sums.map(({ mode, currency, net }) => `${mode} ${currency} ${net}`)).toEqual(["LIVE USD 0.90", "PAPER USD 5", "LIVE EUR 7"]);
  });
});
