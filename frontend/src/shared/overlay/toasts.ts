/** Short words about what was just done; they go by themselves unless something went wrong. */
import { createValue, useValue } from "../value";

export interface Toast {
  id: number;
  tone: "ok" | "warn" | "critical";
  text: string;
  detail?: string | undefined;
}

const SHOWN_MS = 5_000;
const SHOWN_AT_ONCE = 4;

const shown = createValue<readonly Toast[]>([]);
let lastId = 0;

export function toast(tone: Toast["tone"], text: string, detail?: string): void {
  lastId += 1;
  const id = lastId;
  shown.set([...shown.get(), { id, tone, text, detail }].slice(-SHOWN_AT_ONCE));
  if (tone === "ok") setTimeout(() => dismissToast(id), SHOWN_MS);
}

export function dismissToast(id: number): void {
  shown.set(shown.get().filter((each) => each.id !== id));
}

export function useToasts(): readonly Toast[] {
  return useValue(shown);
}
