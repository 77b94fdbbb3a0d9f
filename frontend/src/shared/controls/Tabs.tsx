/** Parts of a page, each with an address of its own. */
import { useEffect, useRef, type JSX } from "react";

export interface Tab<Id extends string = string> {
  id: Id;
  label: string;
  count?: number | undefined;
}

interface TabsProps<Id extends string> {
  label: string;
  tabs: readonly Tab<Id>[];
  /** Null where the page shows none of them. */
  current: Id | null;
  onChoose: (id: Id) => void;
}

export function Tabs<Id extends string>({ label, tabs, current, onChoose }: TabsProps<Id>): JSX.Element {
  const nav = useRef<HTMLElement>(null);
  useEffect(() => {
    nav.current?.querySelector(`[href="?tab=${current}"]`)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [current]);
  return (
    <nav ref={nav} aria-label={label} className="flex shrink-0 overflow-x-auto border-b border-line bg-surface px-2">
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

/** The tab that an address names, or the first. */
export function tabOf<Id extends string>(named: string | undefined, tabs: readonly Tab<Id>[]): Id {
  const found = tabs.find((tab) => tab.id === named) ?? tabs[0];
  if (found === undefined) throw new Error("a page without a tab");
  return found.id;
}
