/** What went wrong, in words for the person at the screen. */
import type { CombinedError } from "@urql/core";

export function describeFailure(error: CombinedError): string {
  if (error.networkError) return "The server cannot be reached.";
  const first = error.graphQLErrors[0];
  switch (first?.extensions["code"]) {
    case "FORBIDDEN":
      return "Your role may not see this.";
    case "RATE_LIMITED":
      return "Too many requests; it will be tried again.";
    default:
      return first?.message ?? "The server answered with an error.";
  }
}
