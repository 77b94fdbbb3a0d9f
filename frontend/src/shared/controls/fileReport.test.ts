import { describe, expect, it } from "vitest";

import { linesInWords, type FileLine } from "./fileReport";

function line(label: string): FileLine {
  return { number: 2, name: "a@firm.example", tone: "ok", label, message: "" };
}

describe("a file", () => {
  it("is told by what became of its lines", () => {
    expect(linesInWords([line("Refused"), line("Invited"), line("Invited")])).toBe("1 refused, 2 invited");
    expect(linesInWords([])).toBe("No lines");
  });
});
