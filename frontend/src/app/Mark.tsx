/** The name of the product as it stands at the head of each page. */
import type { JSX } from "react";

export function Mark({ className }: { className?: string }): JSX.Element {
  return (
    <span className={`inline-flex items-center gap-2 font-semibold ${className ?? ""}`}>
      <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
        <path d="M1 12.5h14" stroke="var(--buy)" strokeWidth="2" />
        <path d="M1 8h9" stroke="var(--text)" strokeWidth="2" />
        <path d="M1 3.5h5" stroke="var(--sell)" strokeWidth="2" />
      </svg>
      OMS Trading
    </span>
  );
}
