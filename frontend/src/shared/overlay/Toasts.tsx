import type { JSX } from "react";

import { Status } from "../table/Status";
import { dismissToast, useToasts } from "./toasts";

/** Where the toasts stand; read out as they come. */
export function Toasts(): JSX.Element {
  const toasts = useToasts();
  return (
    <div role="status" aria-label="Messages" className="pointer-events-none fixed right-3 bottom-3 z-20 flex w-90 max-w-[calc(100vw-24px)] flex-col gap-2">
      {toasts.map(({ id, tone, text, detail }) => (
        <div key={id} className="overlay pointer-events-auto flex items-start gap-3 rounded px-3 py-2">
          <div className="min-w-0 flex-1">
            <Status tone={tone} label={text} />
            {detail !== undefined && <p className="text-small break-words text-soft">{detail}</p>}
          </div>
          <button type="button" aria-label="Dismiss" className="text-faint hover:text-text" onClick={() => dismissToast(id)}>
            ×
          </button>
        </div>
      ))}
    </div>
  );
}
