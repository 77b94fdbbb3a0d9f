/** A modal question. The browser keeps the focus within it, gives it back afterwards, and closes it on Escape. */
import { useEffect, useId, useRef, type JSX, type ReactNode } from "react";

interface DialogProps {
  title: string;
  onClose: () => void;
  isWide?: boolean;
  /** While true, Escape does nothing: what is shown is shown once. */
  isHeld?: boolean;
  children: ReactNode;
}

export function Dialog({ title, onClose, isWide, isHeld, children }: DialogProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);

  return (
    <dialog
      ref={dialog}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault();
        if (!isHeld) onClose();
      }}
      className={`m-auto max-h-[calc(100dvh-2rem)] w-[calc(100%-2rem)] overflow-auto rounded-sm border border-line-strong bg-surface text-body text-text backdrop:bg-[color-mix(in_srgb,var(--ground)_70%,transparent)] ${isWide ? "max-w-160" : "max-w-108"}`}
    >
      <div className="flex flex-col gap-4 p-5">
        <h2 id={titleId} className="text-[15px] leading-5 font-semibold">
          {title}
        </h2>
        {children}
      </div>
    </dialog>
  );
}
