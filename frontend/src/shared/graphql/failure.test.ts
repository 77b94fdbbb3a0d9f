import { CombinedError } from "@urql/core";
import { describe, expect, it } from "vitest";

import { describeFailure, waitInWords } from "./failure";

function failed(code: string, facts: Record<string, unknown> = {}): CombinedError {
  return new CombinedError({ graphQLErrors: [{ message: "As the server says.", extensions: { code, ...facts } }] });
}

describe("a failure", () => {
  it("tells how long to wait", () => {
    expect(describeFailure(failed("TOO_MANY_ATTEMPTS", { retryAfter: 900 }))).toBe(
      "Too many tries. Try again in 15 minutes.",
    );
    expect(describeFailure(failed("RATE_LIMITED", { retryAfter: 1 }))).toBe("Too many requests. Try again in 1 second.");
    expect(describeFailure(failed("RATE_LIMITED"))).toBe("Too many requests. Try again in a moment.");
  });

  it("is told in the server's words where there are no better ones", () => {
    expect(describeFailure(failed("UNAVAILABLE"))).toBe("As the server says.");
  });

  it("is the network's when nothing came back", () => {
    expect(describeFailure(new CombinedError({ networkError: new Error("gone") }))).toBe("The server cannot be reached.");
  });
});

it("never tells a wait shorter than it is", () => {
  expect([90, 91, 121, 5400, 5401].map(waitInWords)).toEqual([
    "90 seconds",
    "2 minutes",
    "3 minutes",
    "90 minutes",
    "2 hours",
  ]);
});

it.each([undefined, null, "3", 0, -1, Number.NaN])("takes %s for no time", (value) => {
  expect(waitInWords(value)).toBe("a moment");
});
