/** A panel beside a table with all that is known of one row. Escape closes it; the table stays usable. */
import type { JSX, KeyboardEvent, ReactNode } from "react";

import { useReturnedFocus } from "../keyboard/focus";
import { isTyping, useShortcuts } from "../keyboard/shortcuts";

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
  useReturnedFocus();

  /** Single keys are text in a field; Escape is not. In a dialog on top it closes that. */
  function press(event: KeyboardEvent): void {
    if (event.key !== "Escape" || !isTyping(event.target)) return;
    if (event.target instanceof Element && event.target.closest("dialog") !== null) return;
    event.preventDefault();
    onClose();
  }

  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- Escape works in every field of the drawer
    <aside aria-label={title} onKeyDown={press} className={`${width === "wide" ? "w-110" : "w-80"} flex shrink-0 flex-col border-l border-line bg-surface max-lg:fixed max-lg:inset-0 max-lg:z-10 max-lg:w-auto max-lg:border-0`}>
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
