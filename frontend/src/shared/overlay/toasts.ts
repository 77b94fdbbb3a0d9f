/** Short words about what was just done or told; they go by themselves, what is graver later. */
import { createValue, useValue } from "../value";

export interface Toast {
  id: number;
  tone: "ok" | "warn" | "critical";
  text: string;
  detail?: string | undefined;
}

/** They stand over the page: what has to stay is told at its place, and by the bell. */
const SHOWN_MS = { ok: 5_000, warn: 10_000, critical: 15_000 } as const;
const SHOWN_AT_ONCE = 4;

const shown = createValue<readonly Toast[]>([]);
let lastId = 0;

export function toast(tone: Toast["tone"], text: string, detail?: string): void {
  lastId += 1;
  const id = lastId;
  shown.set([...shown.get(), { id, tone, text, detail }].slice(-SHOWN_AT_ONCE));
  setTimeout(() => dismissToast(id), SHOWN_MS[tone]);
}

export function dismissToast(id: number): void {
  shown.set(shown.get().filter((each) => each.id !== id));
}

export function useToasts(): readonly Toast[] {
  return useValue(shown);
}
