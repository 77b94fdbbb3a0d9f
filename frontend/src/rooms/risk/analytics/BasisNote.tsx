import type { JSX } from "react";

import { formatTime } from "../../../shared/format/time";
import { Status } from "../../../shared/table/Status";
import type { Basis } from "./documents";
import { basisWarnings } from "./words";

/** Whose positions a figure is about, and what it leaves out; brief where the page has told whose already. */
export function BasisNote({ basis, isBrief }: { basis: Basis; isBrief?: boolean }): JSX.Element | null {
  const warnings = basisWarnings(basis);
  if (isBrief && warnings.length === 0) return null;
  return (
    <div className="flex flex-col gap-0.5 px-4 pb-2 text-small text-faint">
      <p className={isBrief ? "hidden" : undefined}>
        {basis.positions} {basis.positions === 1 ? "position" : "positions"}, {basis.mode === "BOTH" ? "money and paper together" : basis.mode}, in {basis.currency},{" "}
        {formatTime(basis.at)}
      </p>
      {warnings.map((warning) => (
        <p key={warning} className="flex">
          <Status tone="warn" label={warning} />
        </p>
      ))}
    </div>
  );
}

/** A figure in large, with its name; without a value, the reason. */
export function Figure({ name, value, reason }: { name: string; value: string | null; reason?: string | null }): JSX.Element {
  return (
    <div className="min-w-32">
      <dt className="text-micro text-faint">{name}</dt>
      <dd className={value === null ? "max-w-80 text-small text-soft" : "text-[17px] leading-6 font-medium"}>{value ?? reason ?? "Not known"}</dd>
    </div>
  );
}
