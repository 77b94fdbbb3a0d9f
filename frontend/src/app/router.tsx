/** The routes of all rooms, each loaded when it is first gone to. Filters stand in the URL as plain text. */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import type { ErrorComponentProps } from "@tanstack/react-router";
import { useEffect, type ComponentType, type JSX } from "react";

import { catchFocus } from "../shared/keyboard/focus";
import { RoomLink } from "../shared/page/links";
import { Empty, Failed, Forbidden, Loading } from "../shared/page/states";
import { useViewer } from "../shared/session/viewer";
import { ROOMS, type Room } from "./rooms";
import { Shell } from "./Shell";

type Search = Record<string, string>;

const root = createRootRoute({
  component: Shell,
  validateSearch: (raw): Search => raw as Search,
  notFoundComponent: () => (
    <Empty title="There is no such page." action={<RoomLink to="/">Go to Overview</RoomLink>}>
      It may have moved: look for it with Ctrl+K.
    </Empty>
  ),
});

function routeOf(room: Room) {
  const Page: ComponentType = lazyRouteComponent(room.load, "Page");
  function Guarded(): JSX.Element {
    const { viewer, failure } = useViewer();
    useEffect(() => () => catchFocus(), []);
    if (viewer === null) return failure === null ? <Loading /> : <Failed message={failure} />;
    if (room.scope !== null && !viewer.scopes.includes(room.scope)) return <Forbidden what={room.title} />;
    return <Page />;
  }
  return createRoute({ getParentRoute: () => root, path: room.path, component: Guarded });
}

function Broken({ error, reset }: ErrorComponentProps): JSX.Element {
  const what = error instanceof Error ? error.message : String(error);
  return <Failed message={`This page broke: ${what}`} onRetry={reset} />;
}

export const router = createRouter({
  routeTree: root.addChildren(ROOMS.map(routeOf)),
  defaultErrorComponent: Broken,
  defaultPendingComponent: () => <Loading />,
  defaultPreload: "intent",
  parseSearch: (search) => Object.fromEntries(new URLSearchParams(search)),
  stringifySearch: (search) => {
    const given = Object.entries(search).filter(([, value]) => value !== undefined && value !== "");
    const text = new URLSearchParams(given as [string, string][]).toString();
    return text === "" ? "" : `?${text}`;
  },
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
