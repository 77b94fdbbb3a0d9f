/** Where a table puts what it offers: the head of the part of the page that it stands in. */
import { createContext } from "react";

/** Null where there is no such head, or none yet. */
export const ToolSlot = createContext<HTMLElement | null>(null);
