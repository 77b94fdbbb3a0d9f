/** State of the live socket, for the pill in the top bar. */
import { useSyncExternalStore } from "react";

/** Idle: nothing is subscribed, so no socket is open. */
export type ConnectionStatus = "idle" | "connecting" | "live" | "reconnecting";

const listeners = new Set<() => void>();
let status: ConnectionStatus = "idle";

export const connection = {
  set(next: ConnectionStatus): void {
    if (next === status) return;
    status = next;
    for (const listener of listeners) listener();
  },
  get: (): ConnectionStatus => status,
  listen(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

export function useConnection(): ConnectionStatus {
  return useSyncExternalStore(connection.listen, connection.get);
}
