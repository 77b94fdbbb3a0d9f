import { describe, expect, it } from "vitest";

import { differences } from "./differences";

describe("differences", () => {
  it("tell what came, went, changed and stayed", () => {
    expect(differences({ name: "a", hours: 8, gone: true }, { name: "b", hours: 8, domain: "x.example" })).toEqual([
      { path: "name", kind: "changed", before: "a", after: "b" },
      { path: "hours", kind: "same", before: "8", after: "8" },
      { path: "domain", kind: "added", before: null, after: "x.example" },
      { path: "gone", kind: "removed", before: "true", after: null },
    ]);
  });

  it("go into documents, and read lists as one value", () => {
    expect(differences({ settings: { hours: 8, domains: ["a"] } }, { settings: { hours: 9, domains: ["a", "b"] } })).toEqual([
      { path: "settings.hours", kind: "changed", before: "8", after: "9" },
      { path: "settings.domains", kind: "changed", before: '["a"]', after: '["a","b"]' },
    ]);
  });

  it("know a value that is null from one that is not there", () => {
    expect(differences({ label: null }, {})).toEqual([
      { path: "value", kind: "added", before: null, after: "{}" },
      { path: "label", kind: "removed", before: "null", after: null },
    ]);
    expect(differences(null, null)).toEqual([]);
  });
});
