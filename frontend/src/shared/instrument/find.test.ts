import { describe, expect, it, vi } from "vitest";

vi.mock("../graphql/client", () => ({ client: {} }));
const { choose } = await import("./find");

const SAP = { id: "1", symbol: "SAP", exchange: "NYSE", currency: "USD" };
const SAP_IBIS = { id: "2", symbol: "SAP", exchange: "IBIS", currency: "EUR" };

describe("the instrument that a person names", () => {
  it("is the only one of its symbol, in any letters", () => {
    expect(choose(" sap ", [SAP])).toEqual({ id: "1" });
  });

  it("needs its exchange where several bear the symbol", () => {
    expect(choose("SAP", [SAP, SAP_IBIS])).toEqual({ problem: "Several instruments are called so: SAP@NYSE, SAP@IBIS." });
    expect(choose("sap@ibis", [SAP, SAP_IBIS])).toEqual({ id: "2" });
  });

  it("is none where the firm has none", () => {
    expect(choose("SAP@XETRA", [SAP])).toEqual({ problem: "SAP@XETRA is no instrument of the firm." });
  });
});
