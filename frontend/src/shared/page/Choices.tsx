/** One of a few, side by side. */
import type { JSX } from "react";

interface ChoicesProps {
  label: string;
  options: readonly (readonly [string, string])[];
  chosen: string;
  onChoose: (next: string) => void;
}

export function Choices({ label, options, chosen, onChoose }: ChoicesProps): JSX.Element {
  return (
    <div role="group" aria-label={label} className="flex">
      {options.map(([value, text]) => (
        <button
          key={value}
          type="button"
          aria-pressed={chosen === value}
          className="control -ml-px rounded-none first:ml-0 first:rounded-l last:rounded-r aria-pressed:z-1"
          onClick={() => onChoose(value)}
        >
          {text}
        </button>
      ))}
    </div>
  );
}
