/** A button with a panel below it that closes by Escape, a click elsewhere or a choice. */
import { useId, useRef, useState, type JSX, type ReactNode } from "react";

interface MenuProps {
  /** What the button is called. */
  label: string;
  /** What it shows, if that differs. */
  button?: ReactNode;
  buttonClass?: string;
  align?: "start" | "end";
  children: (close: () => void) => ReactNode;
}

const GAP_PX = 4;
const EDGE_PX = 8;

export function Menu({ label, button, buttonClass, align = "start", children }: MenuProps): JSX.Element {
  const id = useId();
  const trigger = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const [isOpen, setIsOpen] = useState(false);

  function place(): void {
    if (!trigger.current || !panel.current) return;
    const at = trigger.current.getBoundingClientRect();
    const { style, offsetWidth, offsetHeight } = panel.current;
    const wanted = align === "end" ? at.right - offsetWidth : at.left;
    style.left = `${Math.max(EDGE_PX, Math.min(wanted, innerWidth - offsetWidth - EDGE_PX))}px`;
    const below = at.bottom + GAP_PX;
    const fits = below + offsetHeight <= innerHeight - EDGE_PX || at.top < offsetHeight;
    style.top = `${fits ? below : at.top - GAP_PX - offsetHeight}px`;
  }

  const close = (): void => document.getElementById(id)?.hidePopover();

  return (
    <>
      <button
        ref={trigger}
        type="button"
        popoverTarget={id}
        aria-expanded={isOpen}
        aria-haspopup="dialog"
        {...(button === undefined ? {} : { "aria-label": typeof button === "string" ? `${button}, ${label}` : label })}
        className={buttonClass ?? "control"}
      >
        {button ?? label}
      </button>
      <div
        ref={panel}
        id={id}
        popover="auto"
        role="dialog"
        aria-label={label}
        onToggle={(event) => {
          const opens = (event.nativeEvent as ToggleEvent).newState === "open";
          setIsOpen(opens);
          if (!opens) return;
          place();
          panel.current?.querySelector<HTMLElement>("input, button, a, select")?.focus();
        }}
        className="overlay fixed m-0 max-h-[70dvh] min-w-44 overflow-auto rounded"
      >
        {isOpen && children(close)}
      </div>
    </>
  );
}

export function MenuItem({ onClick, isChosen, children }: { onClick: () => void; isChosen?: boolean; children: ReactNode }) {
  return (
    <button
      type="button"
      aria-pressed={isChosen}
      onClick={onClick}
      className="flex min-h-7 w-full items-center gap-2 px-3 text-left hover:bg-raised"
    >
      {isChosen !== undefined && <Tick isShown={isChosen} />}
      {children}
    </button>
  );
}

export function MenuHeading({ children }: { children: ReactNode }): JSX.Element {
  return <p className="px-3 pt-2 pb-1 text-micro font-medium text-faint">{children}</p>;
}

function Tick({ isShown }: { isShown: boolean }): JSX.Element {
  return (
    <svg viewBox="0 0 10 10" width="10" height="10" aria-hidden="true" className="shrink-0 text-accent">
      {isShown && <path d="m1.5 5.5 2.5 2.5 4.5-6" fill="none" stroke="currentColor" strokeWidth="1.5" />}
    </svg>
  );
}
