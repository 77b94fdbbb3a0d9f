import type { JSX } from "react";

import { formatTime } from "../shared/format/time";
import { Menu } from "../shared/overlay/Menu";
import { Empty } from "../shared/page/states";
import { Status } from "../shared/table/Status";
import { readNotices, useNotices, useUnread } from "./notices";

/** The bell: what happened since this page was opened. */
export function Notices(): JSX.Element {
  const unread = useUnread();
  return (
    <Menu
      label={unread === 0 ? "Notifications" : `Notifications, ${unread} new`}
      align="end"
      buttonClass="relative grid size-8 place-items-center text-soft hover:text-text"
      button={
        <>
          <svg viewBox="0 0 16 16" width="15" height="15" aria-hidden="true">
            <path d="M3.5 11.5V7a4.5 4.5 0 0 1 9 0v4.5l1 1h-11zM6.5 14h3" fill="none" stroke="currentColor" strokeWidth="1.4" />
          </svg>
          {unread > 0 && (
            <span aria-hidden="true" className="absolute top-0.5 right-0 min-w-3.5 rounded-sm bg-accent px-0.5 text-center text-[10px] leading-3.5 font-medium text-on-accent">
              {unread > 99 ? "99" : unread}
            </span>
          )}
        </>
      }
    >
      {() => <List />}
    </Menu>
  );
}

function List(): JSX.Element {
  const notices = useNotices();
  return (
    <div className="w-90 max-w-[calc(100vw-16px)]">
      <div className="flex items-center justify-between border-b border-line px-3 py-1.5">
        <p className="font-semibold">Notifications</p>
        <button type="button" className="text-small text-soft hover:text-text" onClick={readNotices}>
          Mark as read
        </button>
      </div>
      {notices.length === 0 ? (
        <Empty title="Nothing happened yet.">Fills, refusals, connections, limits and cases are told here from now on.</Empty>
      ) : (
        <ul>
          {notices.map(({ id, tone, text, detail, at }) => (
            <li key={id} className="flex items-baseline gap-3 border-b border-line px-3 py-1 last:border-0">
              <div className="min-w-0 flex-1">
                <Status tone={tone} label={text} />
                {detail !== null && <p className="pl-3.5 text-small break-words text-faint">{detail}</p>}
              </div>
              <time dateTime={at} className="text-small text-faint">
                {formatTime(at)}
              </time>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
