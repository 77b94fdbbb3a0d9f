import { useEffect, useId, useRef, type JSX, type KeyboardEvent } from "react";

import { parseQuantity, stepped } from "./quantity";

interface NumberFieldProps {
  label: string;
  value: string;
  /** What an arrow key moves it by; ten times as much with Shift. */
  step: string;
  onChange: (next: string) => void;
  /** Where an arrow begins in an empty field. */
  start?: string | null | undefined;
  isInvalid?: boolean;
  isDisabled?: boolean;
  /** Takes the focus when it appears. */
  isFirst?: boolean;
  hint?: string;
}

const STEPS: Readonly<Record<string, number>> = { ArrowUp: 1, ArrowDown: -1 };

/** A number that is typed, or stepped by the arrow keys. */
export function NumberField(props: NumberFieldProps): JSX.Element {
  const { label, value, step, onChange, start, isInvalid = false, isDisabled = false, isFirst = false, hint } = props;
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (isFirst) input.current?.select();
  }, [isFirst]);

  function press(event: KeyboardEvent): void {
    const direction = STEPS[event.key];
    if (direction === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const from = parseQuantity(value);
    if (from === null) onChange(start ?? step);
    else onChange(stepped(from, step, direction * (event.shiftKey ? 10 : 1)));
  }

  return (
    <div className="min-w-0 flex-1 basis-24">
      <label htmlFor={id} className="block text-micro text-faint">
        {label}
      </label>
      <input
        ref={input}
        id={id}
        inputMode="decimal"
        autoComplete="off"
        spellCheck={false}
        className="input w-full text-right"
        value={value}
        placeholder={hint}
        aria-invalid={isInvalid}
        disabled={isDisabled}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={press}
      />
    </div>
  );
}
