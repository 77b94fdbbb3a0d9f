import { describe, expect, it } from "vitest";

import { agentInWords, grantsInWords, nameOf, SCOPES } from "./scopes";

const NUMBERS = new Map([
  ["a", "DU100"],
  ["b", "DU200"],
]);

describe("a restriction", () => {
  it("of nobody is all accounts, and an empty one is none", () => {
    expect(grantsInWords(null, NUMBERS)).toBe("All accounts");
    expect(grantsInWords([], NUMBERS)).toBe("No account");
  });

  it("names accounts by number and says where one may only look", () => {
    const grants = [
      { accountId: "b", access: "VIEW" },
      { accountId: "a", access: "TRADE" },
      { accountId: "gone", access: "TRADE" },
    ] as const;

    expect(grantsInWords(grants, NUMBERS)).toBe("DU100, DU200 (view), another account");
  });
});

describe("a person", () => {
  it("is called by name, or by address without one", () => {
    expect(nameOf({ email: "a@firm.example", firstName: "Ada", lastName: "" })).toBe("Ada");
    expect(nameOf({ email: "a@firm.example", firstName: "", lastName: "" })).toBe("a@firm.example");
  });
});

describe("what somebody signed in with", () => {
  it.each([
    ["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36", "Chrome on Linux"],
    ["Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"],
    ["Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1 (KHTML, like Gecko) Version/19.0 Safari/604.1", "Safari on iOS"],
    ["Mozilla/5.0 (Android 16; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0", "Firefox on Android"],
    ["python-httpx/0.28", "Python (httpx)"],
    ["some program", "some program"],
    ["", "Unknown program"],
  ])("%s", (agent, words) => {
    expect(agentInWords(agent)).toBe(words);
  });
});

describe("scopes", () => {
  it("stand in one group each", () => {
    const all = SCOPES.flatMap(({ scopes }) => scopes.map(({ scope }) => scope));

    expect(new Set(all).size).toBe(all.length);
    expect(all).toHaveLength(15);
  });
});
