/** What went wrong, in words for the person at the screen. */
import type { CombinedError } from "@urql/core";

export function describeFailure(error: CombinedError): string {
  if (error.networkError) return "The server cannot be reached.";
  const first = error.graphQLErrors[0];
  const wait = first?.extensions["retryAfter"];
  switch (first?.extensions["code"]) {
    case "FORBIDDEN":
      return "Your role may not see this.";
    case "RATE_LIMITED":
      return `Too many requests. Try again in ${waitInWords(wait)}.`;
    case "TOO_MANY_ATTEMPTS":
      return `Too many tries. Try again in ${waitInWords(wait)}.`;
    default:
      return first?.message ?? "The server answered with an error.";
  }
}

/** Whole seconds as people say them, never shorter than they are; "a moment" for what is no time. */
export function waitInWords(seconds: unknown): string {
  if (typeof seconds !== "number" || !(seconds > 0)) return "a moment";
  if (seconds <= 90) return counted(Math.ceil(seconds), "second");
  if (seconds <= 90 * 60) return counted(Math.ceil(seconds / 60), "minute");
  return counted(Math.ceil(seconds / 3600), "hour");
}

function counted(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}
