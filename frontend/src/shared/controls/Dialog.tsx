/** A question in a dialog: the overlay with room around what is asked. */
import type { JSX, ReactNode } from "react";

import { Dialog as Overlay } from "../overlay/Dialog";

interface DialogProps {
  title: string;
  onClose: () => void;
  isWide?: boolean;
  /** While true it does not close by itself: what is shown is shown once. */
  isHeld?: boolean;
  children: ReactNode;
}

export function Dialog({ title, onClose, isWide, isHeld, children }: DialogProps): JSX.Element {
  return (
    <Overlay title={title} width={isWide ? "wide" : "narrow"} onClose={isHeld ? () => undefined : onClose}>
      <div className="flex flex-col gap-4 p-4">{children}</div>
    </Overlay>
  );
}
