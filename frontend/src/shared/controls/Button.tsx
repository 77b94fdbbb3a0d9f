/** Buttons: one that leads on, plain ones, one that destroys, and those that read as a word in a line. */
import type { ButtonHTMLAttributes, JSX, ReactNode } from "react";

export type ButtonKind = "primary" | "plain" | "danger" | "word" | "dangerWord";

const FRAME = "inline-flex h-7 shrink-0 items-center justify-center rounded-sm px-3 text-small font-medium whitespace-nowrap disabled:opacity-50 aria-disabled:opacity-50 max-md:h-9";
const WORD = "inline-flex min-h-6 items-center text-small whitespace-nowrap underline-offset-2 hover:underline disabled:opacity-50 disabled:no-underline";

const LOOK: Record<ButtonKind, string> = {
  primary: `${FRAME} bg-accent text-on-accent`,
  plain: `${FRAME} border border-line-strong text-text hover:bg-raised`,
  danger: `${FRAME} border border-critical text-critical hover:bg-raised`,
  word: `${WORD} text-accent`,
  dangerWord: `${WORD} text-critical`,
};

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: ButtonKind;
  children: ReactNode;
}

export function Button({ kind = "plain", type = "button", className, children, ...rest }: ButtonProps): JSX.Element {
  return (
    // oxlint-disable-next-line react/button-has-type -- it is "button" unless the caller says another
    <button type={type} className={`${LOOK[kind]} ${className ?? ""}`} {...rest}>
      {children}
    </button>
  );
}
