/** Filters of a page in its URL: they survive a reload, go back with the browser and can be sent to somebody. */
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback } from "react";

export type Search = Readonly<Record<string, string | undefined>>;

/** The URL's parameters, and how to change some: an empty text or undefined takes one away. */
export function usePageSearch(): [Search, (patch: Record<string, string | undefined>) => void] {
  const search: Search = useSearch({ strict: false });
  const navigate = useNavigate();
  const patch = useCallback(
    (changes: Record<string, string | undefined>) => {
      void navigate({
        to: ".",
        replace: true,
        search: (before: Search) => {
          const next = { ...before, ...changes };
          return Object.fromEntries(Object.entries(next).filter(([, value]) => value !== undefined && value !== ""));
        },
      } as never);
    },
    [navigate],
  );
  return [search, patch];
}
