/** Where signing in leads to. */
import { roomOf } from "./rooms";

/** The `next` of a query, when it is a page of ours with what filters it has; else the first page. */
export function destinationOf(search: string): string {
  const next = new URLSearchParams(search).get("next") ?? "/";
  if (!next.startsWith("/") || next.startsWith("//")) return "/";
  // A path of this origin whatever is in it: what is kept is the path and the query alone.
  const url = new URL(next, "http://origin.invalid");
  if (url.host !== "origin.invalid") return "/";
  if (url.pathname === "/graphiql") return url.pathname;
  return roomOf(url.pathname) ? url.pathname + url.search : "/";
}
