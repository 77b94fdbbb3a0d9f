import { describe, expect, it } from "vitest";

import { roleChoiceOf, roleChoices, roleInput, roleNameOf } from "./members";

const OWN = { id: "r1", name: "Night desk", scopes: [], updatedAt: "2026-11-21T09:00:00Z" };

describe("a role", () => {
  it("survives the way into a form and out of it", () => {
    expect(roleInput(roleChoiceOf({ role: "TRADER", customRole: null }))).toEqual({ role: "TRADER" });
    expect(roleInput(roleChoiceOf({ role: "VIEWER", customRole: OWN }))).toEqual({ customRoleId: "r1" });
  });

  it("of the firm's own decides, whatever the built-in one says", () => {
    expect(roleNameOf({ role: "VIEWER", customRole: OWN })).toBe("Night desk");
    expect(roleNameOf({ role: "ADMIN", customRole: null })).toBe("Administrator");
  });

  it("can be any of the built-in and of the firm's own", () => {
    expect(roleChoices([OWN]).map(({ value }) => value)).toEqual(["ADMIN", "MANAGER", "TRADER", "COMPLIANCE", "VIEWER", "own:r1"]);
  });
});
