import { CombinedError } from "@urql/core";
import { GraphQLError } from "graphql";
import { describe, expect, it, vi } from "vitest";

vi.mock("../graphql/client", () => ({ client: {} }));
const { acting } = await import("./act");
const { createStepUp } = await import("./stepUp");

type Data = { updateTenant: { tenant: { name: string } | null; errors: { code: string; message: string; path: string[] }[] } };

const DONE: { data: Data } = { data: { updateTenant: { tenant: { name: "Firm" }, errors: [] } } };

function refusal(code: string, facts: Record<string, unknown> = {}): { error: CombinedError } {
  const error = new GraphQLError("As the server says.", { extensions: { code, ...facts } });
  return { error: new CombinedError({ graphQLErrors: [error] }) };
}

describe("a mutation", () => {
  it("answers its payload", async () => {
    const outcome = await acting<Data>(async () => DONE, createStepUp());

    expect(outcome).toEqual({ ok: true, payload: DONE.data.updateTenant });
  });

  it("is sent again, the same, once the person has proven themselves", async () => {
    const prompt = createStepUp();
    const send = vi.fn<() => Promise<{ data?: Data; error?: CombinedError }>>();
    send.mockResolvedValueOnce(refusal("STEP_UP_REQUIRED", { proof: "CODE" })).mockResolvedValueOnce(DONE);

    const outcome = acting<Data>(send, prompt);
    await vi.waitFor(() => expect(prompt.asked()).toBe("CODE"));
    prompt.answer(true);

    expect((await outcome).ok).toBe(true);
    expect(send).toHaveBeenCalledTimes(2);
    expect(prompt.asked()).toBeNull();
  });

  it("is not sent again, and says nothing, when the person turns back", async () => {
    const prompt = createStepUp();
    const send = vi.fn(async () => refusal("STEP_UP_REQUIRED", { proof: "PASSWORD" }));

    const outcome = acting<Data>(send, prompt);
    await vi.waitFor(() => expect(prompt.asked()).toBe("PASSWORD"));
    prompt.answer(false);

    expect(await outcome).toEqual({ ok: false, words: "", code: null, complaints: [] });
    expect(send).toHaveBeenCalledTimes(1);
  });

  it("does not ask for ever", async () => {
    const ask = vi.fn(async () => true);
    const send = vi.fn(async () => refusal("STEP_UP_REQUIRED", { proof: "PASSWORD" }));

    const outcome = await acting<Data>(send, { ask });

    expect(outcome.ok).toBe(false);
    expect(ask).toHaveBeenCalledTimes(1);
  });

  it("asks nobody for the proof of an API key, which has none", async () => {
    const ask = vi.fn(async () => true);

    const outcome = await acting<Data>(async () => refusal("STEP_UP_REQUIRED"), { ask });

    expect(outcome).toMatchObject({ ok: false, words: "As the server says.", code: "STEP_UP_REQUIRED" });
    expect(ask).not.toHaveBeenCalled();
  });

  it("tells all that was wrong with what it was given", async () => {
    const errors = [
      { code: "VALUE_INVALID", message: "Too long.", path: ["name"] },
      { code: "VALUE_INVALID", message: "No domain.", path: ["domain"] },
    ];

    const outcome = await acting<Data>(async () => ({ data: { updateTenant: { tenant: null, errors } } }), createStepUp());

    expect(outcome).toEqual({ ok: false, words: "Too long. No domain.", code: "VALUE_INVALID", complaints: errors });
  });
});

describe("the question who it is", () => {
  it("is asked once, however many wait for its answer", async () => {
    const prompt = createStepUp();
    const heard = vi.fn();
    prompt.listen(heard);

    const both = Promise.all([prompt.ask("CODE"), prompt.ask("CODE")]);
    prompt.answer(true);

    expect(await both).toEqual([true, true]);
    expect(heard).toHaveBeenCalledTimes(2);
  });

  it("is asked anew after it was answered", async () => {
    const prompt = createStepUp();
    const first = prompt.ask("PASSWORD");
    prompt.answer(false);

    expect(await first).toBe(false);
    void prompt.ask("CODE");
    expect(prompt.asked()).toBe("CODE");
  });
});
