import { createElement } from "react";
import { describe, expect, it } from "vitest";

import { csvOf } from "./csv";
import { fileColumns, type Column } from "./Table";

interface Row {
  name: string;
  at: string | null;
  count: number;
}

const COLUMNS: Column<Row>[] = [
  { key: "name", header: "Name", cell: (row) => createElement("b", {}, row.name), text: (row) => row.name },
  { key: "at", header: "When", cell: () => "today", text: (row) => row.at },
  { key: "count", header: "Count", cell: (row) => row.count },
  { key: "act", header: "", cell: () => createElement("button", {}, "Delete") },
];

describe("a small table", () => {
  it("goes into a file with what its cells mean, exactly, and without its acts", () => {
    const rows = [
      { name: "One", at: "2026-11-21T09:00:00Z", count: 1000 },
      { name: "=Two", at: null, count: 0 },
    ];

    expect(csvOf(fileColumns(COLUMNS), rows)).toBe("Name,When,Count\r\nOne,2026-11-21T09:00:00Z,1000\r\n'=Two,,0\r\n");
  });
});
