/** Shortcuts: single keys and sequences such as "g o", off where somebody types, and the list for the sheet. */
import { useEffect, useRef } from "react";

import { createValue, useValue } from "../value";

export interface Shortcut {
  /** Keys as people say them, one after the other: "g o", "?", "Ctrl+K". */
  keys: string;
  label: string;
  /** Without it the key is told alone: the part where it works listens by itself. */
  run?: (() => void) | undefined;
  /** Works in inputs and dialogs too; for combinations that nobody types. */
  isEverywhere?: boolean;
}

export interface ShortcutGroup {
  title: string;
  shortcuts: readonly Shortcut[];
}

const SEQUENCE_MS = 1_200;

const groups = createValue<readonly ShortcutGroup[]>([]);

/** The shortcuts of a part of the screen while it is there. */
export function useShortcuts(title: string, shortcuts: readonly Shortcut[]): void {
  const newest = useRef(shortcuts);
  useEffect(() => {
    newest.current = shortcuts;
  });
  const signature = JSON.stringify(shortcuts.map(({ keys, label, isEverywhere = false, run }) => ({ keys, label, isEverywhere, isTold: run === undefined })));
  useEffect(() => {
    const told = JSON.parse(signature) as (Omit<Shortcut, "run"> & { isTold: boolean })[];
    if (told.length === 0) return;
    const run = (index: number) => (): void => newest.current[index]?.run?.();
    const group: ShortcutGroup = {
      title,
      shortcuts: told.map(({ keys, label, isEverywhere = false, isTold }, index) => ({ keys, label, isEverywhere, run: isTold ? undefined : run(index) })),
    };
    groups.set([...groups.get(), group]);
    return () => groups.set(groups.get().filter((each) => each !== group));
  }, [title, signature]);
}

export function useShortcutGroups(): readonly ShortcutGroup[] {
  return useValue(groups);
}

/** Listens to the keyboard until the answer is called. */
export function startShortcuts(): () => void {
  let read = createSequence();
  function press(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing) return;
    const all = groups.get().flatMap((group) => group.shortcuts).filter((each) => each.run !== undefined);
    const isBusy = isTyping(event.target) || document.querySelector("dialog[open]") !== null;
    // Enter on a button or a link is its own, whatever row of a table is active.
    if (isPress(event.key, event.target)) return;
    const found = read(keyOf(event), performance.now(), isBusy ? all.filter((each) => each.isEverywhere) : all);
    // What is typed as text begins no sequence for the keys after it.
    if (isBusy) read = createSequence();
    if (!found) return;
    event.preventDefault();
    found.run?.();
  }
  addEventListener("keydown", press);
  return () => removeEventListener("keydown", press);
}

/** How a key is written: "k", "?", "Ctrl+K", "ArrowUp"; empty for a modifier alone. */
export function keyOf(event: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey">): string {
  const { key } = event;
  if (key === "Control" || key === "Shift" || key === "Alt" || key === "Meta") return "";
  if (event.altKey) return `Alt+${key}`;
  if (event.ctrlKey || event.metaKey) return `Ctrl+${key.length === 1 ? key.toUpperCase() : key}`;
  return key;
}

/** Reads keys one after the other: the longest shortcut that they end with wins; a pause begins anew. */
export function createSequence(): (key: string, nowMs: number, shortcuts: readonly Shortcut[]) => Shortcut | null {
  let typed: string[] = [];
  let lastMs = 0;
  return (key, nowMs, shortcuts) => {
    if (key === "") return null;
    if (nowMs - lastMs > SEQUENCE_MS) typed = [];
    lastMs = nowMs;
    typed = [...typed, key].slice(-2);
    for (const wanted of [typed.join(" "), key]) {
      // What was registered last lies on top.
      const found = shortcuts.findLast((each) => each.keys === wanted);
      if (found && (wanted !== key || !isWithin(typed, shortcuts))) {
        typed = [];
        return found;
      }
    }
    return null;
  };
}

/** True when the keys before make this one the second of a sequence, so that it must not run alone. */
function isWithin(typed: readonly string[], shortcuts: readonly Shortcut[]): boolean {
  const [first] = typed;
  return typed.length === 2 && shortcuts.some((each) => each.keys.startsWith(`${first} `));
}

function isPress(key: string, target: EventTarget | null): boolean {
  return key === "Enter" && target instanceof HTMLElement && target.matches("button, a[href], summary, [role=option], [role=menuitem]");
}

export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target.matches("input:not([type=checkbox], [type=radio]), textarea, select");
}
