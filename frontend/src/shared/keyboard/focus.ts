/** Where the keyboard is: a focus whose element goes away moves to what had it before, never to nothing. */
import { useEffect, useState } from "react";

function isLost(): boolean {
  return document.activeElement === null || document.activeElement === document.body;
}

/** Gives the focus to the element, or to the room where that is gone, unless something has it. */
export function catchFocus(element: Element | null = null): void {
  if (!isLost()) return;
  if (element instanceof HTMLElement && element.isConnected) element.focus({ preventScroll: true });
  if (isLost()) document.getElementById("room")?.focus({ preventScroll: true });
}

/** When this part goes with the focus in it, what had the focus before the part came gets it back. */
export function useReturnedFocus(): void {
  // Fields of the part take the focus before its effects run: what had it is known while it is first drawn.
  const [before] = useState(() => document.activeElement);
  useEffect(() => () => catchFocus(before), [before]);
}
