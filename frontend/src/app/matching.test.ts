import { describe, expect, it } from "vitest";

import { matching, rank, type Command } from "./matching";

const command = (label: string, also = ""): Command => ({ group: "Pages", label, also, hint: "", run: () => {} });

describe("the command palette", () => {
  it("puts what begins so before what contains it, and letters in order last", () => {
    const found = matching(["Sort reports", "Import orders", "Orders", "Go to reorder"].map((each) => command(each)), "or");

    expect(found.map((each) => each.label)).toEqual(["Orders", "Import orders", "Sort reports", "Go to reorder"]);
    expect(rank("ov", "Overview")).toBe(0);
    expect(rank("ow", "Overview")).toBe(4);
  });

  it("finds by other words, and everything by nothing", () => {
    expect(matching([command("Overview", "home"), command("Orders")], "home").map((each) => each.label)).toEqual(["Overview"]);
    expect(matching([command("A"), command("B")], " ")).toHaveLength(2);
    expect(matching([command("A")], "zz")).toEqual([]);
  });
});
