/** A state in a word, with a shape beside it, so that colour is never the only difference. */
import type { JSX } from "react";

export type Tone = "ok" | "working" | "pending" | "ended" | "warn" | "critical";

const COLOUR: Record<Tone, string> = {
  ok: "text-ok",
  working: "text-accent",
  pending: "text-soft",
  ended: "text-faint",
  warn: "text-warn",
  critical: "text-critical",
};

const SHAPE: Record<Tone, JSX.Element> = {
  ok: <circle cx="4" cy="4" r="3" fill="currentColor" />,
  working: (
    <>
      <circle cx="4" cy="4" r="2.5" fill="none" stroke="currentColor" />
      <path d="M4 1.5a2.5 2.5 0 0 1 0 5z" fill="currentColor" />
    </>
  ),
  pending: <circle cx="4" cy="4" r="2.5" fill="none" stroke="currentColor" />,
  ended: <path d="M1.5 4h5" stroke="currentColor" />,
  warn: <path d="M4 1 7.5 7h-7z" fill="currentColor" />,
  critical: <path d="m1.5 1.5 5 5m0-5-5 5" stroke="currentColor" strokeWidth="1.5" />,
};

interface StatusProps {
  tone: Tone;
  label: string;
  detail?: string | null | undefined;
}

export function Status({ tone, label, detail }: StatusProps): JSX.Element {
  return (
    <span className="inline-flex max-w-full items-center gap-1.5" title={detail ?? undefined}>
      <svg viewBox="0 0 8 8" width="8" height="8" aria-hidden="true" className={`shrink-0 ${COLOUR[tone]}`}>
        {SHAPE[tone]}
      </svg>
      <span className={tone === "ended" ? "text-faint" : tone === "critical" ? "text-critical" : "text-soft"}>{label}</span>
      {detail && <span className="truncate text-faint max-sm:hidden">{detail}</span>}
    </span>
  );
}
