/**
 * Choices of the person, kept in their profile on the server under keys that begin with `dashboard.`.
 *
 * An API key has no profile: its choices stay on the page. What another tab or program wrote meanwhile is kept: a
 * change reads the profile anew and lays only its own keys over it.
 */
import { useCallback } from "react";

import { client } from "../graphql/client";
import { PREFERENCES, UPDATE_PREFERENCES } from "../session/documents";
import { createValue, useValue } from "../value";

type Preferences = Readonly<Record<string, unknown>>;

const SAVE_AFTER_MS = 500;
const PREFIX = "dashboard.";

const held = createValue<Preferences>({});
const failure = createValue<string | null>(null);
let changed: Record<string, unknown> = {};
let isPersonal = false;
let timer: ReturnType<typeof setTimeout> | undefined;
const adopted = new Set<() => void>();

/** Takes what the profile holds; what was changed here and is not saved yet stays. Null for who has no profile. */
export function adoptPreferences(profile: unknown): void {
  isPersonal = profile !== null;
  if (isPersonal) held.set({ ...asObject(profile), ...changed });
  for (const listener of adopted) listener();
}

export function onAdopted(listener: () => void): void {
  adopted.add(listener);
}

export function preference(name: string): unknown {
  return held.get()[PREFIX + name];
}

export function setPreference(name: string, value: unknown): void {
  const key = PREFIX + name;
  changed[key] = value;
  held.set({ ...held.get(), [key]: value });
  clearTimeout(timer);
  timer = setTimeout(() => void save(), SAVE_AFTER_MS);
}

/** Forgets everything at the end of a session. */
export function forgetPreferences(): void {
  clearTimeout(timer);
  changed = {};
  isPersonal = false;
  held.set({});
}

/** Why the last change could not be saved; null when it was. */
export function usePreferencesFailure(): string | null {
  return useValue(failure);
}

/** The preference as `read` understands it, which must bear anything, and how to change it. */
export function usePreference<T>(name: string, read: (raw: unknown) => T): [T, (next: T) => void] {
  const all = useValue(held);
  const set = useCallback((next: T) => setPreference(name, next), [name]);
  return [read(all[PREFIX + name]), set];
}

async function save(): Promise<void> {
  if (!isPersonal) return;
  const mine = changed;
  changed = {};
  const { data } = await client.query(PREFERENCES, {}).toPromise();
  if (!data?.viewer.user) {
    changed = { ...mine, ...changed };
    failure.set("Your settings could not be saved. They hold in this window.");
    return;
  }
  const preferences = withChanges(asObject(data.viewer.user.preferences), mine);
  const answer = await client.mutation(UPDATE_PREFERENCES, { input: { preferences } }).toPromise();
  const refused = answer.error?.message ?? answer.data?.updatePreferences.errors[0]?.message;
  failure.set(refused === undefined ? null : `Your settings could not be saved: ${refused}`);
}

/** The profile with the changes over it; what was set to null or undefined is taken out. */
export function withChanges(profile: Preferences, changes: Preferences): Record<string, unknown> {
  const entries = Object.entries({ ...profile, ...changes });
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined && value !== null));
}

function asObject(value: unknown): Preferences {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Preferences) : {};
}
