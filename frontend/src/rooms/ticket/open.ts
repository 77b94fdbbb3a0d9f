/** The ticket beside the room: opened from anywhere by a key, a row or the palette. */
import { createValue, useValue } from "../../shared/value";
import type { Draft } from "./draft";

export interface TicketRequest {
  /** Counts the openings: each is a ticket of its own, with a clientOrderId of its own. */
  opening: number;
  given: Partial<Draft>;
}

const asked = createValue<TicketRequest | null>(null);
/** The ticket of a room that has one of its own, which takes what is asked for instead. */
const rooms = new Set<(given: Partial<Draft>) => void>();
let openings = 0;

export function openTicket(given: Partial<Draft>): void {
  const [room] = rooms;
  if (room) {
    room(given);
    return;
  }
  openings += 1;
  asked.set({ opening: openings, given });
}

export function closeTicket(): void {
  asked.set(null);
}

export function useTicketRequest(): TicketRequest | null {
  return useValue(asked);
}

/** Takes over while a room shows its own ticket; the answer ends it. */
export function takeTickets(take: (given: Partial<Draft>) => void): () => void {
  closeTicket();
  rooms.add(take);
  return () => rooms.delete(take);
}
