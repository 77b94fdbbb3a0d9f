import { describe, expect, it, vi } from "vitest";

vi.mock("../query/useAnswer", () => ({ useAnswer: () => ({ data: null }) }));
vi.mock("../session/viewer", () => ({ useMay: () => false, useViewer: () => ({ viewer: null }) }));
const { actorInWords } = await import("./actors");

const NAMES = new Map([["user:0001-aaaaaa", "Ada Lovelace"]]);

describe("who did something", () => {
  it("is a name where it is known, and a part of the id where it is not", () => {
    expect(actorInWords("user:0001-aaaaaa", NAMES)).toBe("Ada Lovelace");
    expect(actorInWords("user:0001-bbbbbb", NAMES)).toBe("Person bbbbbb");
    expect(actorInWords("key:0001-cccccc", NAMES)).toBe("API key cccccc");
  });

  it("is the house where the house did it", () => {
    expect(actorInWords("system:circuit-breakers", NAMES)).toBe("Circuit breakers");
    expect(actorInWords("system:cli", NAMES)).toBe("The command line");
  });

  it("is nothing where nobody did", () => {
    expect(actorInWords(null, NAMES)).toBe("");
  });
});
