/** What the pages before a session are made of: the frame, fields, the line that tells what is wrong, the button. */
import { useEffect, useId, useRef, type JSX, type ReactNode } from "react";

import { Mark } from "../../app/Mark";

const LINK = "text-body text-accent underline-offset-2 hover:underline";

export function DoorPage({ title, children }: { title: string; children: ReactNode }): JSX.Element {
  useEffect(() => {
    document.title = `${title} · OMS Trading`;
  }, [title]);

  return (
    <main className="grid min-h-dvh place-items-center px-6 py-12">
      <div className="w-full max-w-80">
        <Mark className="mb-10" />
        <h1 className="mb-6 text-title leading-7 font-semibold">{title}</h1>
        {children}
      </div>
    </main>
  );
}

interface FieldProps {
  name: string;
  label: string;
  type: "email" | "password" | "text";
  autoComplete: string;
  invalid: boolean;
  problemId: string;
  isOptional?: boolean;
  initial?: string;
  /** Takes the focus when it appears: for the first field of a page that is nothing but its form, or a step that follows. */
  isNext?: boolean;
}

export function Field({ name, label, type, autoComplete, invalid, problemId, isOptional, initial, isNext }: FieldProps): JSX.Element {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (isNext) input.current?.focus();
  }, [isNext]);

  return (
    <div className="flex min-w-0 flex-1 flex-col gap-1.5">
      <label htmlFor={id} className="text-small font-medium text-soft">
        {label}
      </label>
      <input
        ref={input}
        id={id}
        name={name}
        type={type}
        autoComplete={autoComplete}
        required={!isOptional}
        defaultValue={initial}
        aria-invalid={invalid}
        aria-describedby={problemId}
        className="field"
        spellCheck={false}
      />
    </div>
  );
}

/** Always there, so that the form does not jump and a screen reader hears the change. */
export function Problem({ id, children }: { id: string; children: string | null }): JSX.Element {
  return (
    <p id={id} role="alert" className="min-h-5 text-body text-critical">
      {children}
    </p>
  );
}

export function SubmitButton({ isBusy, children }: { isBusy: boolean; children: string }): JSX.Element {
  return (
    <button
      type="submit"
      aria-disabled={isBusy}
      className="h-9 rounded-sm bg-accent px-4 text-sm font-medium text-on-accent aria-disabled:opacity-60"
    >
      {children}
    </button>
  );
}

/** What stands below a form: other ways to go. */
export function Ways({ children }: { children: ReactNode }): JSX.Element {
  return <div className="mt-5 flex flex-wrap items-center justify-between gap-x-5 gap-y-2">{children}</div>;
}

export function WayLink({ href, children }: { href: string; children: string }): JSX.Element {
  return (
    <a href={href} className={LINK}>
      {children}
    </a>
  );
}

export function WayButton({ onClick, children }: { onClick: () => void; children: string }): JSX.Element {
  return (
    <button type="button" className={LINK} onClick={onClick}>
      {children}
    </button>
  );
}
