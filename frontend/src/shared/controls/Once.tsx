/** A secret that is told once: shown whole, to be copied before the dialog closes. */
import { useState, type JSX } from "react";

import { Button } from "./Button";

export function Once({ label, secret }: { label: string; secret: string }): JSX.Element {
  const [isCopied, setIsCopied] = useState(false);

  function copy(): void {
    navigator.clipboard
      ?.writeText(secret)
      .then(() => setIsCopied(true))
      .catch(() => setIsCopied(false));
  }

  return (
    <div className="flex flex-col gap-2">
      <pre
        aria-label={label}
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- to be selected by keyboard
        tabIndex={0}
        className="max-h-60 overflow-auto rounded-sm border border-line-strong bg-ground p-2 font-[inherit] text-body leading-5 break-all whitespace-pre-wrap select-all"
      >
        {secret}
      </pre>
      <div className="flex items-center gap-3">
        <Button onClick={copy}>Copy</Button>
        <output className="text-small text-ok">{isCopied ? "Copied" : ""}</output>
      </div>
    </div>
  );
}
