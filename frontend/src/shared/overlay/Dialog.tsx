/** A modal dialog on the browser's own: focus stays within, and begins at [data-first]; Escape closes, what is behind is inert. */
import { useEffect, useId, useRef, type JSX, type ReactNode } from "react";

import { useReturnedFocus } from "../keyboard/focus";

interface DialogProps {
  title: string;
  onClose: () => void;
  /** Shows the title to screen readers alone. */
  hasHiddenTitle?: boolean;
  width?: "narrow" | "wide";
  /** Where it stands: in the upper third, or along the left edge. */
  place?: "centre" | "left";
  children: ReactNode;
}

const WIDTH = { narrow: "max-w-100", wide: "max-w-160" };

export function Dialog(props: DialogProps): JSX.Element {
  const { title, onClose, hasHiddenTitle, width = "narrow", place = "centre", children } = props;
  const element = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useReturnedFocus();
  useEffect(() => {
    const dialog = element.current;
    if (dialog && !dialog.open) {
      dialog.showModal();
      // The browser takes the first control; an autoFocus of React came while the dialog was closed, and was lost.
      dialog.querySelector<HTMLElement>("[data-first]")?.focus();
    }
    return () => dialog?.close();
  }, []);

  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions, jsx-a11y/click-events-have-key-events -- Escape is the keyboard's way out
    <dialog
      ref={element}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === element.current) onClose();
      }}
      className={
        place === "left"
          ? "overlay m-0 h-dvh max-h-dvh w-64 border-y-0 border-l-0"
          : `overlay mx-auto mt-[12dvh] mb-auto max-h-[80dvh] w-[calc(100%-24px)] overflow-auto rounded ${WIDTH[width]}`
      }
    >
      <h2 id={titleId} className={hasHiddenTitle ? "sr-only" : "px-4 pt-4 text-body font-semibold"}>
        {title}
      </h2>
      {children}
    </dialog>
  );
}
