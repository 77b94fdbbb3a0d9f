/** The last step before an order leaves: one press for paper, a held button or the typed symbol for real money. */
import { useEffect, useId, useRef, useState, type JSX, type KeyboardEvent } from "react";

interface ConfirmProps {
  isLive: boolean;
  symbol: string;
  label: string;
  /** On the button that is held, where that differs. */
  heldLabel?: string;
  isBusy: boolean;
  onSend: () => void;
  onBack: () => void;
  onConfirmed: (isConfirmed: boolean) => void;
}

const HOLD_MS = 1_000;

export function Confirm({ isLive, symbol, label, heldLabel = `Hold: ${label}`, isBusy, onSend, onBack, onConfirmed }: ConfirmProps): JSX.Element {
  const [typed, setTyped] = useState("");
  const [isHeld, setIsHeld] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const id = useId();
  const isTyped = typed.trim().toUpperCase() === symbol.toUpperCase();
  useEffect(() => onConfirmed(!isLive || isTyped), [isLive, isTyped, onConfirmed]);
  useEffect(() => () => clearTimeout(timer.current), []);

  function hold(): void {
    if (isBusy || isHeld) return;
    setIsHeld(true);
    timer.current = setTimeout(() => {
      setIsHeld(false);
      onSend();
    }, HOLD_MS);
  }
  function letGo(): void {
    clearTimeout(timer.current);
    setIsHeld(false);
  }

  function press(event: KeyboardEvent): void {
    if (event.key !== " ") return;
    // The key repeats while it is down, and would click when it comes up.
    event.preventDefault();
    if (event.type === "keyup") letGo();
    else if (!event.repeat) hold();
  }

  return (
    <div className="flex flex-col gap-2">
      {isLive && (
        <div>
          <label htmlFor={id} className="block text-small text-critical">
            This trades real money. Type {symbol}, or hold the button (by keyboard: Space) for a second.
          </label>
          {/* oxlint-disable-next-line jsx-a11y/no-autofocus -- the review was asked for to confirm it */}
          <input id={id} autoFocus className="input w-full" value={typed} autoComplete="off" spellCheck={false} onChange={(event) => setTyped(event.target.value)} />
        </div>
      )}
      <div className="flex gap-2">
        <button type="button" className="control" onClick={onBack}>
          Back
        </button>
        {isLive && !isTyped ? (
          <button
            type="button"
            className="control danger flex-1 justify-center font-medium"
            aria-disabled={isBusy}
            onPointerDown={hold}
            onPointerUp={letGo}
            onPointerLeave={letGo}
            onKeyDown={press}
            onKeyUp={press}
            onBlur={letGo}
          >
            {isHeld ? "Keep holding" : heldLabel}
          </button>
        ) : (
          // oxlint-disable-next-line jsx-a11y/no-autofocus -- Enter sends what was reviewed
          <button type="button" autoFocus={!isLive} className="control primary flex-1 justify-center" aria-disabled={isBusy} onClick={isBusy ? undefined : onSend}>
            {isBusy ? "Sending" : label}
          </button>
        )}
      </div>
    </div>
  );
}
