/** Links between rooms. */
import { Link } from "@tanstack/react-router";
import type { JSX } from "react";

/** A symbol that leads to its chart. */
export function SymbolLink({ symbol }: { symbol: string }): JSX.Element {
  return (
    <RoomLink to="/trade" search={{ symbol }} className="font-medium hover:text-accent hover:underline underline-offset-2">
      {symbol}
    </RoomLink>
  );
}

interface RoomLinkProps {
  to: string;
  search?: Record<string, string>;
  className?: string;
  children: React.ReactNode;
}

export function RoomLink({ to, search, className, children }: RoomLinkProps): JSX.Element {
  return (
    <Link to={to as "/"} search={search ?? {}} className={className ?? "text-accent underline-offset-2 hover:underline"}>
      {children}
    </Link>
  );
}
