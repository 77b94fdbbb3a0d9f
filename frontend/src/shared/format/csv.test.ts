import { describe, expect, it } from "vitest";

import { csvCell, csvName, toCsv } from "./csv";

describe("CSV", () => {
  it.each([
    ["AAPL", "AAPL"],
    ["-12.50", "-12.50"],
    ["+1", "+1"],
    ['says "no", twice', '"says ""no"", twice"'],
    ["two\nlines", '"two\nlines"'],
  ])("writes %j as %j", (value, cell) => {
    expect(csvCell(value)).toBe(cell);
  });

  it.each(["=1+1", "@cmd", "+SUM(A1)", "-2+3", "-x", "\t=1", "\n=1", "＝1+1"])("marks %j, which a spreadsheet would run, as text", (value) => {
    expect(csvCell(value).replaceAll('"', "")).toBe(`'${value}`);
  });

  it("has a line for the header and one for each row", () => {
    expect(toCsv(["a", "b"], [['say "no"', "x,y"], ["one\ntwo", ""]])).toBe('a,b\r\n"say ""no""","x,y"\r\n"one\ntwo",\r\n');
  });

  it("is named after the instant", () => {
    expect(csvName("orders", new Date("2026-11-21T14:03:09Z"))).toBe("orders-2026-11-21T14-03-09.csv");
  });
});
