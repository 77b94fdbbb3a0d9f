import { describe, expect, it } from "vitest";

import { withChanges } from "./address";

describe("an address", () => {
  it("takes values on, changes and loses them", () => {
    expect(withChanges("", { tab: "log" })).toBe("?tab=log");
    expect(withChanges("?tab=log&text=a", { text: "b" })).toBe("?tab=log&text=b");
    expect(withChanges("?tab=log&text=a", { text: null })).toBe("?tab=log");
    expect(withChanges("?text=a", { text: "" })).toBe("");
  });

  it("keeps what it does not know", () => {
    expect(withChanges("?of=another", { tab: "log" })).toBe("?of=another&tab=log");
  });

  it("says any text without losing some of it", () => {
    const search = withChanges("", { text: "a&b=c #d +e" });

    expect(new URLSearchParams(search).get("text")).toBe("a&b=c #d +e");
  });
});
