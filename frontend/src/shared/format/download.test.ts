import { describe, expect, it } from "vitest";

import { toCsv } from "./download";

describe("CSV", () => {
  it("quotes what would end a cell or a line", () => {
    expect(toCsv(["a", "b"], [['say "no"', "x,y"], ["one\ntwo", ""]])).toBe('a,b\r\n"say ""no""","x,y"\r\n"one\ntwo",\r\n');
  });

  it("lets no spreadsheet run a cell, and leaves numbers be", () => {
    expect(toCsv(["a"], [["=1+1"], ["@x"], ["-12.5"], ["-x"], ["+1"]])).toBe("a\r\n'=1+1\r\n'@x\r\n-12.5\r\n'-x\r\n+1\r\n");
  });
});
