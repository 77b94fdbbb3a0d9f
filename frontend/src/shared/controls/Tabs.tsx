/** Parts of a page, each with an address of its own. */
import type { JSX } from "react";

export interface Tab {
  id: string;
  label: string;
  count?: number | undefined;
}

interface TabsProps {
  label: string;
  tabs: readonly Tab[];
  current: string;
  onChoose: (id: string) => void;
}

export function Tabs({ label, tabs, current, onChoose }: TabsProps): JSX.Element {
  return (
    <nav aria-label={label} className="flex shrink-0 overflow-x-auto border-b border-line bg-surface px-2">
      {tabs.map((tab) => (
        <a
          key={tab.id}
          href={`?tab=${tab.id}`}
          aria-current={tab.id === current ? "page" : undefined}
          onClick={(event) => {
            if (event.metaKey || event.ctrlKey || event.shiftKey) return;
            event.preventDefault();
            onChoose(tab.id);
          }}
          className={`-mb-px flex h-9 items-center gap-1.5 border-b-2 px-2 whitespace-nowrap ${
            tab.id === current ? "border-accent font-medium" : "border-transparent text-soft hover:text-text"
          }`}
        >
          {tab.label}
          {tab.count ? <span className="text-small text-faint">{tab.count}</span> : null}
        </a>
      ))}
    </nav>
  );
}
