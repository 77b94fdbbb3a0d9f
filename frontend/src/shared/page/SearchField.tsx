import type { JSX, KeyboardEvent } from "react";

interface SearchFieldProps {
  label: string;
  placeholder: string;
  text: string;
  onChange: (text: string) => void;
  className?: string;
}

/** Narrows what the room's table shows. Enter and Escape lead into the table, where j and k go on. */
export function SearchField({ label, placeholder, text, onChange, className = "w-40" }: SearchFieldProps): JSX.Element {
  return (
    <input
      type="search"
      aria-label={label}
      placeholder={placeholder}
      className={`input ${className}`}
      value={text}
      onChange={(event) => onChange(event.target.value)}
      onKeyDown={leave}
    />
  );
}

function leave(event: KeyboardEvent): void {
  if (event.key !== "Escape" && event.key !== "Enter") return;
  // Escape would empty the field, too.
  event.preventDefault();
  document.querySelector<HTMLElement>("main [role=grid]")?.focus({ preventScroll: true });
}
