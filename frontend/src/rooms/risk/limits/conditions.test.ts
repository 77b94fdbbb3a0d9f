import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { LIMIT_TYPES } from "../words";
import {
  atControl,
  changed,
  choicesFor,
  conditionsFrom,
  conditionsOf,
  CROSS_POLICIES,
  daysOf,
  keptFor,
  readConditions,
  symbolsOf,
  unknownKeys,
  windowsOf,
  writeConditions,
} from "./conditions";

/** The keys of the reference that is written from the checks themselves, by type; those of every type under "all". */
function referenceKeys(): Map<string, Set<string>> {
  const text = readFileSync(new URL("../../../../../docs/reference/risk-checks.md", import.meta.url), "utf8");
  const found = new Map<string, Set<string>>();
  for (const [, key = "", of = ""] of text.matchAll(/^\| `(\w+)` \| (all|`\w+`) \|/gm)) {
    const type = of.replaceAll("`", "");
    found.set(type, (found.get(type) ?? new Set()).add(key));
  }
  return found;
}

describe("the controls of a type", () => {
  it.each(LIMIT_TYPES)("%s has one for each condition that the reference lists, and no other", (type) => {
    const listed = referenceKeys();
    const wanted = new Set([...(listed.get("all") ?? []), ...(listed.get(type) ?? [])]);

    expect(wanted.size).toBeGreaterThan(4);
    expect(new Set(conditionsOf(type).map(({ key }) => key))).toEqual(wanted);
  });

  it("begin with what is its own", () => {
    expect(conditionsOf("WASH_TRADE")[0]).toMatchObject({ key: "policy", options: CROSS_POLICIES });
    expect(conditionsOf("SYMBOL_WHITELIST")[0]).toMatchObject({ key: "symbols", isRequired: true });
  });
});

describe("the document", () => {
  it("keeps what no control knows, and what nobody touched as it stood", () => {
    const before = conditionsFrom({ later: { deep: [1] }, times: { from: "09:30", zone: "UTC" }, sides: ["BUY"] });

    const after = changed(changed(before, "reducing", "PASS"), "sides", undefined);

    expect(after).toEqual({ later: { deep: [1] }, times: { from: "09:30", zone: "UTC" }, reducing: "PASS" });
    expect(unknownKeys("MAX_OPEN_ORDERS", after)).toEqual(["later"]);
  });

  it("loses what belonged to the type before when another is chosen", () => {
    const before = { windowSeconds: 60, allowance: 3, modes: ["LIVE"], later: 1 };

    expect(keptFor("DUPLICATE_ORDER", "CANCEL_RATE", before)).toEqual({ modes: ["LIVE"], later: 1 });
    expect(keptFor("CANCEL_RATE", "CANCEL_RATE", before)).toBe(before);
  });

  it("is read as it is written, and told when it is no object", () => {
    const conditions = { times: [{ weekdays: [1], zone: "UTC" }], extended: true };

    expect(readConditions(writeConditions(conditions))).toEqual({ conditions });
    expect(readConditions(" ")).toEqual({ conditions: {} });
    expect(writeConditions({})).toBe("");
    expect(readConditions("[1]")).toHaveProperty("problem");
    expect(readConditions("{oops")).toHaveProperty("problem");
    expect(readConditions("null")).toHaveProperty("problem");
  });
});

describe("symbols", () => {
  it("are taken in any letters, once each, with the blank of their name", () => {
    expect(symbolsOf(" aapl, MSFT\nAapl;")).toEqual(["AAPL", "MSFT"]);
    expect(symbolsOf("brk  b, es")).toEqual(["BRK B", "ES"]);
  });

  it("that stood there keep their letters", () => {
    expect(symbolsOf("BFb, aapl", ["BFb"])).toEqual(["BFb", "AAPL"]);
  });
});

describe("a choice", () => {
  it("shows what it does not know, so that it is not changed unseen", () => {
    expect(choicesFor([["A", "First"]], "A")).toEqual([{ value: "A", label: "First" }]);
    expect(choicesFor([["A", "First"]], "B")).toEqual([
      { value: "A", label: "First" },
      { value: "B", label: "B, as it stands" },
    ]);
  });
});

describe("hours", () => {
  it("are one window or several, and nothing else", () => {
    expect(windowsOf({ zone: "UTC" })).toEqual([{ zone: "UTC" }]);
    expect(windowsOf([{ zone: "UTC" }])).toEqual([{ zone: "UTC" }]);
    expect(windowsOf(undefined)).toEqual([]);
    expect(windowsOf("always")).toBeNull();
    expect(windowsOf(null)).toBeNull();
  });

  it("without days hold every day", () => {
    expect(daysOf({ weekdays: [1, 5] })).toEqual(["1", "5"]);
    expect(daysOf({ from: "09:30" })).toHaveLength(7);
  });
});

describe("a complaint of the server's", () => {
  it.each([
    [["conditions", "windowSeconds"], ["windowSeconds"]],
    [["conditions", "symbols", "3"], ["symbols"]],
    [["conditions", "times", "1", "from"], ["times.1.from"]],
    [["conditions", "times", "1", "weekdays", "0"], ["times.1.weekdays"]],
    [["conditions", "times", "zone"], ["times.0.zone"]],
    [["conditions", "times", "2"], ["times.2"]],
    [["conditions", "times"], ["times"]],
    [["conditions"], ["conditions"]],
    [["conditions", "unheardOf"], ["conditions"]],
    [["warnAt"], ["warnAt"]],
  ])("at %j lands at %j", (path, control) => {
    expect(atControl(path, "CANCEL_RATE")).toEqual(control);
  });
});
