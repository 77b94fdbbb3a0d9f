import { describe, expect, it } from "vitest";

import { csvOf } from "./csv";

describe("a table as CSV", () => {
  it("has a line of heads and one for each row", () => {
    const column = { header: "A", text: (row: string) => row };

    expect(csvOf([column], ["1", "2"])).toBe("A\r\n1\r\n2\r\n");
  });
});
