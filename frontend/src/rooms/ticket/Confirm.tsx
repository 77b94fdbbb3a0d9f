/** The last step before an order leaves: one press for paper, a held button or the typed symbol for real money. */
import { useEffect, useId, useRef, useState, type JSX } from "react";

interface ConfirmProps {
  isLive: boolean;
  symbol: string;
  label: string;
  isBusy: boolean;
  onSend: () => void;
  onBack: () => void;
  onConfirmed: (isConfirmed: boolean) => void;
}

const HOLD_MS = 1_000;

export function Confirm({ isLive, symbol, label, isBusy, onSend, onBack, onConfirmed }: ConfirmProps): JSX.Element {
  const [typed, setTyped] = useState("");
  const [isHeld, setIsHeld] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const id = useId();
  const isTyped = typed.trim().toUpperCase() === symbol.toUpperCase();
  useEffect(() => onConfirmed(!isLive || isTyped), [isLive, isTyped, onConfirmed]);
  useEffect(() => () => clearTimeout(timer.current), []);

  function hold(): void {
    if (isBusy) return;
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

  return (
    <div className="flex flex-col gap-2">
      {isLive && (
        <div>
          <label htmlFor={id} className="block text-small text-critical">
            This trades real money. Type {symbol}, or hold the button for a second.
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
            disabled={isBusy}
            onPointerDown={hold}
            onPointerUp={letGo}
            onPointerLeave={letGo}
          >
            {isHeld ? "Keep holding" : `Hold: ${label}`}
          </button>
        ) : (
          // oxlint-disable-next-line jsx-a11y/no-autofocus -- Enter sends what was reviewed
          <button type="button" autoFocus={!isLive} className="control primary flex-1 justify-center" disabled={isBusy} onClick={onSend}>
            {isBusy ? "Sending" : label}
          </button>
        )}
      </div>
    </div>
  );
}
