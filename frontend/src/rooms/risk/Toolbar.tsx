import type { JSX, ReactNode } from "react";

/** The line above a table: filters and how fresh it is, then what can be done with it. */
export function Toolbar({ children, actions }: { children?: ReactNode; actions?: ReactNode }): JSX.Element {
  return (
    <div className="flex min-h-9 shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-4 py-1">
      {children}
      {actions !== undefined && <div className="ml-auto flex flex-wrap items-center gap-2">{actions}</div>}
    </div>
  );
}
