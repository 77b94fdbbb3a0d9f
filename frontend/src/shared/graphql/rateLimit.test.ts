import { describe, expect, it } from "vitest";

import { readRateLimit } from "./rateLimit";

describe("the rate limit of an answer", () => {
  it("is read from its headers", () => {
    const headers = new Headers({
      "RateLimit-Limit": "200000",
      "RateLimit-Remaining": "199990",
      "RateLimit-Reset": "1",
      "RateLimit-Policy": "200000;w=10",
    });

    expect(readRateLimit(headers)).toEqual({ limit: 200_000, remaining: 199_990, resetSeconds: 1, policy: "200000;w=10" });
  });

  it("is none where there are no limits", () => {
    expect(readRateLimit(new Headers())).toBeNull();
  });
});
