/** Names and values in two columns, as a drawer or a page shows one thing. */
import type { JSX, ReactNode } from "react";

export type Fact = readonly [name: string, value: ReactNode];

/** Facts without a value are left out. */
export function Facts({ facts, label }: { facts: readonly Fact[]; label?: string }): JSX.Element {
  return (
    <dl aria-label={label} className="grid grid-cols-[minmax(7rem,max-content)_minmax(0,1fr)] gap-x-4 gap-y-1 text-small">
      {facts.map(([name, value]) =>
        value === null || value === undefined || value === false || value === "" ? null : (
          <div key={name} className="contents">
            <dt className="text-faint">{name}</dt>
            <dd className="min-w-0 wrap-anywhere">{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
}
