import { describe, expect, it, vi } from "vitest";

import type { Halt } from "./documents";

vi.mock("../../shared/graphql/client", () => ({ client: {} }));
vi.mock("../../shared/live/socket", () => ({ subscribe: () => () => {} }));
vi.mock("../../shared/session/accounts", () => ({ accountName: ({ accountNumber }: { accountNumber: string }) => accountNumber }));
vi.mock("../../shared/session/viewer", () => ({ useMay: () => false }));
const { coverOf, withHalt } = await import("./halts");

const halt = (id: string, resumedAt: string | null = null): Halt => ({ id, resumedAt }) as Halt;

describe("the halts in force", () => {
  it("grow by one that is set, once however often it is told", () => {
    expect(withHalt(withHalt([halt("a")], halt("b")), halt("b")).map(({ id }) => id)).toEqual(["b", "a"]);
  });

  it("lose one that is released", () => {
    expect(withHalt([halt("a"), halt("b")], halt("a", "2026-11-21T14:00:00Z")).map(({ id }) => id)).toEqual(["b"]);
  });

  it("are told by what they cover", () => {
    const accounts = [{ id: "1", accountNumber: "DU1" }] as unknown as Parameters<typeof coverOf>[1];

    expect(coverOf({ scope: "TENANT", targetId: null }, accounts)).toBe("the whole firm");
    expect(coverOf({ scope: "ACCOUNT", targetId: "1" }, accounts)).toBe("DU1");
    expect(coverOf({ scope: "INSTRUMENT", targetId: "9" }, accounts)).toBe("one instrument");
  });
});
