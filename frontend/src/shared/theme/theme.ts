/** How the page looks: colour scheme, density and the colours of profit and loss. */
import { onAdopted, preference, setPreference } from "../preferences/preferences";
import { createValue, useValue, type Value } from "../value";

export type Theme = "dark" | "light";
export type ThemeChoice = Theme | "system";
export type Density = "dense" | "roomy";
export type PnlColours = "blue-orange" | "green-red";

interface Choice<T extends string> {
  name: string;
  value: Value<T>;
  options: readonly T[];
}

const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

/** The browser remembers, so that the first paint is right; the profile knows, so that the next browser is too. */
function remembered<T extends string>(name: string, options: readonly [T, ...T[]]): Choice<T> {
  return { name, options, value: createValue<T>(oneOf(localStorage.getItem(`oms.${name}`), options)) };
}

function oneOf<T extends string>(raw: unknown, options: readonly T[]): T {
  return options.find((option) => option === raw) ?? (options[0] as T);
}

const theme = remembered<ThemeChoice>("theme", ["system", "dark", "light"]);
const density = remembered<Density>("density", ["dense", "roomy"]);
const pnl = remembered<PnlColours>("pnl", ["blue-orange", "green-red"]);
const current = createValue<Theme>(currentTheme());

export function currentTheme(): Theme {
  const chosen = theme.value.get();
  return chosen === "system" ? (systemIsDark.matches ? "dark" : "light") : chosen;
}

function apply(): void {
  const { dataset } = document.documentElement;
  current.set(currentTheme());
  dataset["theme"] = current.get();
  dataset["density"] = density.value.get();
  dataset["pnl"] = pnl.value.get();
}

function keep<T extends string>(choice: Choice<T>, next: T): void {
  if (next === choice.options[0]) localStorage.removeItem(`oms.${choice.name}`);
  else localStorage.setItem(`oms.${choice.name}`, next);
  choice.value.set(next);
  apply();
}

function choose<T extends string>(choice: Choice<T>, next: T): void {
  keep(choice, next);
  setPreference(choice.name, next);
}

function fromProfile<T extends string>(choice: Choice<T>): void {
  const raw = preference(choice.name);
  if (raw !== undefined) keep(choice, oneOf(raw, choice.options));
}

function fromStorage<T extends string>(choice: Choice<T>): void {
  choice.value.set(oneOf(localStorage.getItem(`oms.${choice.name}`), choice.options));
}

/** Puts the look on the document and keeps it there; call before the first render. */
export function startTheme(): void {
  systemIsDark.addEventListener("change", apply);
  addEventListener("storage", () => {
    fromStorage(theme);
    fromStorage(density);
    fromStorage(pnl);
    apply();
  });
  onAdopted(() => {
    fromProfile(theme);
    fromProfile(density);
    fromProfile(pnl);
  });
  apply();
}

export function toggleTheme(): void {
  const next: Theme = currentTheme() === "dark" ? "light" : "dark";
  choose(theme, next === (systemIsDark.matches ? "dark" : "light") ? "system" : next);
}

export const chooseTheme = (next: ThemeChoice): void => choose(theme, next);
export const chooseDensity = (next: Density): void => choose(density, next);
export const choosePnlColours = (next: PnlColours): void => choose(pnl, next);

export const useTheme = (): Theme => useValue(current);
export const useThemeChoice = (): ThemeChoice => useValue(theme.value);
export const useDensity = (): Density => useValue(density.value);
export const usePnlColours = (): PnlColours => useValue(pnl.value);
