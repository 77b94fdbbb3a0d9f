import { describe, expect, it } from "vitest";

import { csvCell, csvName, csvOf } from "./csv";

describe("a table as CSV", () => {
  it.each([
    ["AAPL", "AAPL"],
    ["-12.50", "-12.50"],
    ['says "no", twice', '"says ""no"", twice"'],
    ["two\nlines", '"two\nlines"'],
  ])("writes %j as %j", (value, cell) => {
    expect(csvCell(value)).toBe(cell);
  });

  it.each(["=1+1", "@cmd", "+SUM(A1)", "-2+3", "\t=1"])("marks %j, which a spreadsheet would run, as text", (value) => {
    expect(csvCell(value).replaceAll('"', "")).toBe(`'${value}`);
  });

  it("has a line of heads and one for each row", () => {
    const column = { key: "a", header: "A", width: 1, cell: () => "", text: (row: string) => row };

    expect(csvOf([column], ["1", "2"])).toBe("A\r\n1\r\n2\r\n");
  });

  it("is named after the instant", () => {
    expect(csvName("orders", new Date("2026-11-21T14:03:09Z"))).toBe("orders-2026-11-21T14-03-09.csv");
  });
});
