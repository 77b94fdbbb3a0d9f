import { describe, expect, it, vi } from "vitest";

vi.mock("../graphql/client", () => ({ client: {} }));
const { pageOfConnection, pageOfList } = await import("./usePages");

const ROWS = [{ id: "a" }, { id: "b" }];

describe("a page", () => {
  it("of a connection goes on where the server says so, even when it is empty", () => {
    const edges = ROWS.map((node) => ({ node }));

    expect(pageOfConnection({ totalCount: 9, pageInfo: { hasNextPage: true, endCursor: "c" }, edges })).toEqual({
      rows: ROWS,
      next: "c",
      totalCount: 9,
    });
    expect(pageOfConnection({ pageInfo: { hasNextPage: true, endCursor: "d" }, edges: [] }).next).toBe("d");
    expect(pageOfConnection({ pageInfo: { hasNextPage: false, endCursor: "c" }, edges }).next).toBeNull();
  });

  it("of a list goes on behind its last row while pages are full", () => {
    expect(pageOfList(ROWS, 2).next).toBe("b");
    expect(pageOfList(ROWS, 3).next).toBeNull();
    expect(pageOfList([], 2).next).toBeNull();
  });
});
