/** Who sits at this screen and what they may do, asked once and again after each reconnect. */
import { client } from "../graphql/client";
import { connection } from "../graphql/connection";
import { describeFailure } from "../graphql/failure";
import { adoptPreferences } from "../preferences/preferences";
import { createValue, useValue } from "../value";
import { VIEWER, type Viewer } from "./documents";

export type Scope = Viewer["scopes"][number];

export interface ViewerState {
  viewer: Viewer | null;
  /** Why nobody is known yet; null once somebody is. */
  failure: string | null;
}

const state = createValue<ViewerState>({ viewer: null, failure: null });

export async function loadViewer(): Promise<void> {
  const { data, error } = await client.query(VIEWER, {}).toPromise();
  if (data) {
    state.set({ viewer: data.viewer, failure: null });
    adoptPreferences(data.viewer.user === null ? null : data.viewer.user.preferences);
  } else if (error) state.set({ ...state.get(), failure: describeFailure(error) });
}

/** Asks now and whenever the connection comes back: a role may have changed meanwhile. The answer ends it. */
export function followViewer(): () => void {
  void loadViewer();
  const stop = connection.listen(() => {
    if (connection.get() === "live") void loadViewer();
  });
  return () => {
    stop();
    state.set({ viewer: null, failure: null });
  };
}

export function useViewer(): ViewerState {
  return useValue(state);
}

export function currentViewer(): Viewer | null {
  return state.get().viewer;
}

/** What the person may do; nothing before it is known. The server decides in any case. */
export function useMay(scope: Scope): boolean {
  return useViewer().viewer?.scopes.includes(scope) ?? false;
}

export function nameOf(viewer: Viewer): string {
  return viewer.user?.email ?? viewer.apiKey?.name ?? "";
}
