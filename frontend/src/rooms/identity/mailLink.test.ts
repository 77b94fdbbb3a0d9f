import { describe, expect, it } from "vitest";

import { purposeOf, tokenOf } from "./mailLink";

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
    expect(purposeOf("/")).toBeNull();
    expect(purposeOf("/constructor")).toBeNull();
  });
});
