import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import type { Verification } from "./documents";
import { actorInWords, CSV_HEADER, csvRow, filtersOf, questionOf, verdictOf } from "./search";

const LOOK: Verification = {
  entries: 120,
  isIntact: true,
  firstBrokenSequence: null,
  fromSequence: 1,
  toSequence: 120,
  isComplete: true,
  signedHeads: 3,
  unverifiedHeads: 0,
  breaks: [],
};

describe("a search", () => {
  it("is read from the address, blanks and strangers aside", () => {
    expect(filtersOf({ text: " limit ", actor: "", tab: "log" })).toEqual({ text: "limit" });
  });

  it("takes whole days of the reader, the last one too", () => {
    const question = questionOf({ action: "order.placed", from: "2026-11-20", until: "2026-11-20" });

    expect(question.action).toBe("order.placed");
    expect(new Date(question.createdBefore ?? "").getTime() - new Date(question.createdAfter ?? "").getTime()).toBe(86_400_000);
    expect(new Date(question.createdAfter ?? "").getHours()).toBe(0);
  });

  it("leaves a day aside that is none", () => {
    expect(questionOf({ from: "yesterday" })).toEqual({});
  });
});

describe("an actor", () => {
  it("is called by the name that is known, else by the end of the id", () => {
    const names = new Map([["user:a", "Ada Moss"]]);

    expect(actorInWords("user:a", names)).toBe("Ada Moss");
    expect(actorInWords("key:01936bd5-8f3a-7c11-8000-0000000a1b2c", names)).toBe("Key 0a1b2c");
    expect(actorInWords("system:reconciliation", names)).toBe("The reconciliation");
    expect(actorInWords("anonymous", names)).toBe("anonymous");
  });
});

describe("a verdict on the chain", () => {
  it("that holds says over what", () => {
    const verdict = verdictOf([LOOK, { ...LOOK, fromSequence: 121, toSequence: 1500, entries: 1380, signedHeads: 1 }]);

    expect(verdict).toEqual({
      isIntact: true,
      title: "The chain holds: 1,500 entries, 1 to 1,500.",
      details: ["4 signed heads were held against it."],
    });
  });

  it("that does not says where and how", () => {
    const breaks = [
      { kind: "ALTERED", fromSequence: 17, toSequence: 17 },
      { kind: "MISSING", fromSequence: 20, toSequence: 25 },
    ] as const;

    const verdict = verdictOf([{ ...LOOK, isIntact: false, breaks: [...breaks], unverifiedHeads: 1 }]);

    expect(verdict.isIntact).toBe(false);
    expect(verdict.title).toBe("The chain is broken: 120 entries looked at, 1 to 120.");
    expect(verdict.details.slice(0, 2)).toEqual([
      "Entry 17 is altered: what is stored does not fit its hash.",
      "Entries 20 to 25 are missing: deleted after they were sealed.",
    ]);
    expect(verdict.details.at(-1)).toContain("does not hold");
  });

  it("claims nothing beyond what was looked at", () => {
    const verdict = verdictOf([{ ...LOOK, isComplete: false, signedHeads: 0 }]);

    expect(verdict.details).toEqual([
      "No signed head stands over these entries: the chain proves their order, not that it was never made anew.",
      "The look did not reach the end of the log.",
    ]);
  });
});

describe("an entry in CSV", () => {
  it("has the columns of the server's own export, in its order", () => {
    const source = readFileSync(new URL("../../../../app/flows/audit/export_audit.py", import.meta.url), "utf8");
    const columns = /^COLUMNS: Final = \(([^)]*)\)/m.exec(source)?.[1] ?? "";

    expect(CSV_HEADER).toEqual([...columns.matchAll(/"(\w+)"/g)].map(([, name]) => name));
  });

  it("has documents as JSON and nothing where there is nothing", () => {
    const entry = {
      id: "e",
      sequence: 7,
      actor: "user:a",
      action: "tenant.updated",
      resourceType: "tenant",
      resourceId: null,
      oldValues: { name: "a" },
      newValues: null,
      ipAddress: "192.0.2.1",
      requestId: "r",
      hash: "00",
      createdAt: "2026-11-21T12:00:00.000000Z",
    };

    expect(csvRow(entry)).toEqual([
      ..."7|2026-11-21T12:00:00.000000Z|user:a|tenant.updated|tenant||".split("|").slice(0, 6),
      '{"name":"a"}',
      "",
      "192.0.2.1",
      "r",
      "e",
      "00",
    ]);
  });
});
