import { describe, expect, test } from "vitest";

import type { Viewer } from "./documents";
import { mayTradeOn } from "./grants";

type Seated = Pick<Viewer, "membership">;

function member(accounts: NonNullable<Seated["membership"]>["accounts"]): Seated {
  return { membership: { role: "TRADER", customRole: null, accounts } };
}

describe("on which accounts one may trade", () => {
  test("who has no grants trades on all", () => {
    expect(mayTradeOn(member(null), "one")).toBe(true);
    expect(mayTradeOn({ membership: null }, "one")).toBe(true);
    expect(mayTradeOn(null, "one")).toBe(true);
  });

  test("an account that one may only view is none to trade on", () => {
    const seated = member([
      { accountId: "one", access: "VIEW" },
      { accountId: "two", access: "TRADE" },
    ]);

    expect(mayTradeOn(seated, "one")).toBe(false);
    expect(mayTradeOn(seated, "two")).toBe(true);
    expect(mayTradeOn(seated, "three")).toBe(false);
  });

  test("who was granted nothing trades on nothing", () => {
    expect(mayTradeOn(member([]), "one")).toBe(false);
  });
});
