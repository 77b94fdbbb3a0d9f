import type { JSX } from "react";

import { sheetOf, useShortcutGroups } from "../shared/keyboard/shortcuts";
import { Dialog } from "../shared/overlay/Dialog";

/** Every shortcut that works on this page now, and those of what may be opened on it. */
export function KeyboardSheet({ onClose }: { onClose: () => void }): JSX.Element {
  const groups = sheetOf(useShortcutGroups());
  return (
    <Dialog title="Keyboard" width="wide" onClose={onClose}>
      <div className="grid gap-x-10 gap-y-4 px-4 pt-3 pb-4 sm:grid-cols-2">
        {groups.map(({ title, shortcuts }) => (
          <section key={title} aria-label={title}>
            <h3 className="pb-1 text-small font-medium text-faint">{title}</h3>
            <dl>
              {shortcuts.map(({ keys, label }) => (
                <div key={`${keys} ${label}`} className="flex min-h-6 items-center justify-between gap-4">
                  <dt className="text-soft">{label}</dt>
                  <dd className="flex gap-1">
                    {keys.split(" ").map((key, index) => (
                      // oxlint-disable-next-line react/no-array-index-key -- the same key may come twice
                      <kbd key={index} className="key">
                        {key}
                      </kbd>
                    ))}
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
