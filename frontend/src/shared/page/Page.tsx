/** The frame of a room: a line with its title, filters and actions, then what it shows. */
import { useId, type JSX, type ReactNode } from "react";

interface PageProps {
  title: string;
  /** Filters and what belongs beside the title. */
  tools?: ReactNode;
  /** Actions, at the right. */
  actions?: ReactNode;
  children: ReactNode;
}

/** Fills the room under the top bar. A live table within takes what is left; anything else scrolls. */
export function Page({ title, tools, actions, children }: PageProps): JSX.Element {
  const titleId = useId();
  return (
    <section aria-labelledby={titleId} className="flex min-h-0 min-w-0 flex-1 flex-col bg-surface">
      <header className="flex min-h-10 shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-4 py-1">
        <h1 id={titleId} className="text-body font-semibold">
          {title}
        </h1>
        {tools}
        {actions !== undefined && <div className="ml-auto flex flex-wrap items-center gap-2">{actions}</div>}
      </header>
      <div className="flex min-h-0 flex-1 flex-col overflow-auto">{children}</div>
    </section>
  );
}
