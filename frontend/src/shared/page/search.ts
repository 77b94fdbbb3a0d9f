/** Filters of a page in its URL: they survive a reload, go back with the browser and can be sent to somebody. */
import { useNavigate, useRouter, useSearch } from "@tanstack/react-router";
import { useCallback } from "react";

export type Search = Readonly<Record<string, string | undefined>>;

/** What lies over a page once it is named: going back with the browser takes it away again. */
const OVER_THE_PAGE = ["order", "case"];

/** The URL's parameters, and how to change some: an empty text or undefined takes one away. */
export function usePageSearch(): [Search, (patch: Record<string, string | undefined>) => void] {
  const search: Search = useSearch({ strict: false });
  const navigate = useNavigate();
  const router = useRouter();
  const patch = useCallback(
    (changes: Record<string, string | undefined>) => {
      const shown: Search = router.state.location.search;
      void navigate({
        to: ".",
        replace: !OVER_THE_PAGE.some((name) => changes[name] && !shown[name]),
        search: (before: Search) => {
          const next = { ...before, ...changes };
          return Object.fromEntries(Object.entries(next).filter(([, value]) => value !== undefined && value !== ""));
        },
      } as never);
    },
    [navigate, router],
  );
  return [search, patch];
}
