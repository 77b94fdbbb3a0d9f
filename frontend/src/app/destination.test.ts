import { describe, expect, it } from "vitest";

import { destinationOf } from "./destination";

describe("where signing in leads to", () => {
  it.each([
    ["?next=/", "/"],
    ["?next=/graphiql", "/graphiql"],
    ["?next=%2F%3Faccount%3D1", "/?account=1"],
    ["", "/"],
  ])("is the page of %s", (search, page) => {
    expect(destinationOf(search)).toBe(page);
  });

  it.each(["?next=https://evil.example", "?next=//evil.example", "?next=/\\evil.example", "?next=javascript:alert(1)", "?next=/nowhere"])(
    "is the first page for %s",
    (search) => {
      expect(destinationOf(search)).toBe("/");
    },
  );
});
