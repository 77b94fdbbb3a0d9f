import { describe, expect, it } from "vitest";

import { purposeOf, refusalOf, tokenOf } from "./mailLink";

describe("links in mails", () => {
  it("carry their token behind the #", () => {
    expect(tokenOf("#token=omt_a_b")).toBe("omt_a_b");
    expect(tokenOf("#other=1&token=omt_a_b")).toBe("omt_a_b");
  });

  it("have no token when they are cut", () => {
    expect(tokenOf("")).toBe("");
    expect(tokenOf("#")).toBe("");
    expect(tokenOf("#tok")).toBe("");
  });

  it("lead to their page and to no other", () => {
    expect(purposeOf("/verify-email")).toBe("verify");
    expect(purposeOf("/reset-password")).toBe("reset");
    expect(purposeOf("/accept-invitation")).toBe("invitation");
    expect(purposeOf("/")).toBeNull();
    expect(purposeOf("/constructor")).toBeNull();
  });
});

describe("what the server refuses", () => {
  it("is the link itself when the error stands at its token", () => {
    expect(refusalOf([{ message: "Used before.", path: ["token"] }])).toEqual({ words: "Used before.", isDead: true });
  });

  it("is what was typed when the error stands elsewhere", () => {
    const errors = [
      { message: "Too short.", path: ["password"] },
      { message: "Empty.", path: ["firstName"] },
    ];
    expect(refusalOf(errors)).toEqual({ words: "Too short. Empty.", isDead: false });
  });

  it("is nothing without errors", () => {
    expect(refusalOf([])).toBeNull();
    expect(refusalOf(undefined)).toBeNull();
  });
});
