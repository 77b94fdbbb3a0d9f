/** A panel beside a table with all that is known of one row. Escape closes it; the table stays usable. */
import { useEffect, type JSX, type ReactNode } from "react";

import { useShortcuts } from "../keyboard/shortcuts";

interface DrawerProps {
  title: string;
  /** Under the title: a state, a mode. */
  summary?: ReactNode;
  actions?: ReactNode;
  width?: "narrow" | "wide";
  onClose: () => void;
  children: ReactNode;
}

export function Drawer({ title, summary, actions, width = "wide", onClose, children }: DrawerProps): JSX.Element {
  useShortcuts("Drawer", [{ keys: "Escape", label: "Close", run: onClose }]);
  useEffect(() => {
    const before = document.activeElement;
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, []);
  return (
    <aside aria-label={title} className={`${width === "wide" ? "w-110" : "w-80"} flex shrink-0 flex-col border-l border-line bg-surface max-lg:fixed max-lg:inset-0 max-lg:z-10 max-lg:w-auto max-lg:border-0`}>
      <header className="flex min-h-10 shrink-0 flex-wrap items-center gap-x-3 border-b border-line px-4 py-1">
        <h2 className="font-semibold">{title}</h2>
        {summary}
        <span className="ml-auto flex items-center gap-2">
          {actions}
          <button type="button" className="grid size-7 place-items-center text-soft hover:text-text" aria-label="Close" onClick={onClose}>
            ×
          </button>
        </span>
      </header>
      <div className="min-h-0 flex-1 overflow-auto">{children}</div>
    </aside>
  );
}
