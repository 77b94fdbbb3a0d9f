import type { JSX, ReactNode } from "react";

/** Words in a cell that may be too long for one line: they wrap, with room above and below. */
export function Words({ children, isSoft }: { children: ReactNode; isSoft?: boolean }): JSX.Element {
  return <span className={`block min-w-40 py-1 whitespace-normal ${isSoft ? "text-soft" : ""}`}>{children}</span>;
}
