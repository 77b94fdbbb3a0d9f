import { describe, expect, it, vi } from "vitest";

import type { Halt } from "./documents";

vi.mock("../../shared/graphql/client", () => ({ client: {} }));
vi.mock("../../shared/live/socket", () => ({ subscribe: () => () => {} }));
vi.mock("../../shared/session/viewer", () => ({ useMay: () => false }));
const { withHalt } = await import("./halts");

const halt = (id: string, resumedAt: string | null = null): Halt => ({ id, resumedAt }) as Halt;

describe("the halts in force", () => {
  it("grow by one that is set, once however often it is told", () => {
    expect(withHalt(withHalt([halt("a")], halt("b")), halt("b")).map(({ id }) => id)).toEqual(["b", "a"]);
  });

  it("lose one that is released", () => {
    expect(withHalt([halt("a"), halt("b")], halt("a", "2026-11-21T14:00:00Z")).map(({ id }) => id)).toEqual(["b"]);
  });
});
