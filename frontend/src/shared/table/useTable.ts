/** The arrangement of one table and its saved views, from the person's profile. */
import { useMemo, useSyncExternalStore } from "react";

import { usePreference } from "../preferences/preferences";
import { arranged, ordered, readLayout, readViews, type Layout, type LiveColumn, type SavedView } from "./layout";

const NARROW = matchMedia("(max-width: 639.9px)");

export interface TableState<Row> {
  id: string;
  /** All columns in the person's order. */
  all: readonly LiveColumn<Row>[];
  /** Those that are shown. */
  columns: readonly LiveColumn<Row>[];
  layout: Layout;
  isNarrow: boolean;
  setLayout: (next: Layout) => void;
  views: readonly SavedView[];
  setViews: (next: readonly SavedView[]) => void;
}

/** `id` names the table in the profile; `columns` must be the same array from render to render. */
export function useTable<Row>(id: string, columns: readonly LiveColumn<Row>[]): TableState<Row> {
  const [rawLayout, setLayout] = usePreference<unknown>(`table.${id}`, (raw) => raw);
  const [rawViews, setViews] = usePreference<unknown>(`views.${id}`, (raw) => raw);
  const isNarrow = useIsNarrow();
  return useMemo(() => {
    const layout = readLayout(rawLayout);
    return {
      id,
      all: ordered(columns, layout.order),
      columns: arranged(columns, layout, isNarrow),
      layout,
      isNarrow,
      setLayout,
      views: readViews(rawViews),
      setViews,
    };
  }, [id, columns, rawLayout, rawViews, isNarrow, setLayout, setViews]);
}

export function useIsNarrow(): boolean {
  return useSyncExternalStore(
    (listener) => {
      NARROW.addEventListener("change", listener);
      return () => NARROW.removeEventListener("change", listener);
    },
    () => NARROW.matches,
  );
}
