/** The colour scheme: the system's until the person chooses one. */
import { useSyncExternalStore } from "react";

export type Theme = "dark" | "light";

const KEY = "oms.theme";
const listeners = new Set<() => void>();
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

function chosen(): Theme | null {
  const value = localStorage.getItem(KEY);
  return value === "dark" || value === "light" ? value : null;
}

export function currentTheme(): Theme {
  return chosen() ?? (systemIsDark.matches ? "dark" : "light");
}

function apply(): void {
  document.documentElement.dataset["theme"] = currentTheme();
  for (const listener of listeners) listener();
}

/** Puts the theme on the document and keeps it there; call before the first render. */
export function startTheme(): void {
  systemIsDark.addEventListener("change", apply);
  addEventListener("storage", apply);
  apply();
}

export function toggleTheme(): void {
  const next: Theme = currentTheme() === "dark" ? "light" : "dark";
  const isSystem = next === (systemIsDark.matches ? "dark" : "light");
  if (isSystem) localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, next);
  apply();
}

export function useTheme(): Theme {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, currentTheme);
}
