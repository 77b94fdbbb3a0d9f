import { Link } from "@tanstack/react-router";
import { useState, type JSX } from "react";

import { signOut } from "../shared/graphql/session";
import { toast } from "../shared/overlay/toasts";
import { nameOf, useViewer } from "../shared/session/viewer";
import { mayExplore } from "./explorer";
import type { Room } from "./rooms";

const ITEM = "flex min-h-7 items-center justify-between gap-2 border-l-2 px-3 max-lg:min-h-9";
const IDLE = "border-transparent text-soft hover:text-text";

/** The rooms that the person may open, and who they are. */
export function Navigation({ rooms, className }: { rooms: readonly Room[]; className: string }): JSX.Element {
  const { viewer } = useViewer();
  const [isLeaving, setIsLeaving] = useState(false);
  const groups = [...new Set(rooms.map((room) => room.group))];

  function leave(): void {
    setIsLeaving(true);
    signOut().catch(() => {
      setIsLeaving(false);
      toast("critical", "You are still signed in.", "The server cannot be reached.");
    });
  }

  return (
    <div className={`flex shrink-0 flex-col overflow-y-auto bg-surface ${className}`}>
      <nav aria-label="Pages" className="flex-1 pb-3">
        {groups.map((group) => (
          <div key={group}>
            <p className="px-3.5 pt-3 pb-1 text-micro font-medium text-faint">{group}</p>
            <ul>
              {rooms
                .filter((room) => room.group === group)
                .map((room) => (
                  <li key={room.path}>
                    <Link
                      to={room.path as "/"}
                      activeOptions={{ exact: true, includeSearch: false }}
                      className={ITEM}
                      activeProps={{ className: "border-accent bg-raised font-medium", "aria-current": "page" }}
                      inactiveProps={{ className: IDLE }}
                    >
                      {room.title}
                      <kbd aria-hidden="true" className="text-micro text-faint max-lg:hidden">
                        {room.keys}
                      </kbd>
                    </Link>
                  </li>
                ))}
            </ul>
          </div>
        ))}
        {viewer && mayExplore(viewer.scopes) && (
          <a href="/graphiql" className={`${ITEM} ${IDLE}`}>
            GraphiQL
          </a>
        )}
      </nav>
      <section aria-label="Signed in" className="border-t border-line px-3.5 py-2">
        <p className="truncate text-small text-soft" title={viewer ? nameOf(viewer) : undefined}>
          {viewer && nameOf(viewer)}
        </p>
        <button type="button" disabled={isLeaving} className="min-h-6 text-small text-soft hover:text-text" onClick={leave}>
          Sign out
        </button>
      </section>
    </div>
  );
}
