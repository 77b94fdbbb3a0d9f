/** The frame around each page: tenant, navigation, connection, theme and who is signed in. */
import { useEffect, useState, type JSX, type ReactNode } from "react";

import { VIEWER } from "../rooms/identity/documents";
import { client } from "../shared/graphql/client";
import { connection, useConnection, type ConnectionStatus } from "../shared/graphql/connection";
import type { ResultOf } from "../shared/graphql/document";
import { describeFailure } from "../shared/graphql/failure";
import { signOut } from "../shared/graphql/session";
import { Status, type Tone } from "../shared/table/Status";
import { toggleTheme, useTheme } from "../shared/theme/theme";
import { mayExplore } from "./explorer";
import { Mark } from "./Mark";

type Viewer = ResultOf<typeof VIEWER>["viewer"];

const LINK_STATUS: Record<Exclude<ConnectionStatus, "idle">, { tone: Tone; text: string }> = {
  connecting: { tone: "pending", text: "Connecting" },
  live: { tone: "ok", text: "Live" },
  reconnecting: { tone: "warn", text: "Reconnecting" },
};

export type Page = "overview" | "graphiql";

export function Shell({ page, children }: { page: Page; children: ReactNode }): JSX.Element {
  const [viewer, setViewer] = useState<Viewer | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const status = useConnection();

  useEffect(() => {
    function ask(): void {
      void client
        .query(VIEWER, {})
        .toPromise()
        .then(({ data, error }) => {
          if (data) setViewer(data.viewer);
          setFailure(error ? describeFailure(error) : null);
        });
    }
    ask();
    // A role may have changed while the connection was away.
    return connection.listen(() => {
      if (connection.get() === "live") ask();
    });
  }, []);

  function leave(): void {
    signOut().catch(() => setFailure("You are still signed in: the server cannot be reached."));
  }

  return (
    <div className={`flex flex-col ${page === "graphiql" ? "h-dvh" : "min-h-dvh lg:h-dvh"}`}>
      <header className="flex min-h-10 shrink-0 flex-wrap items-center gap-x-5 border-b border-line bg-surface px-4">
        <Mark />
        <span className="truncate text-soft max-sm:hidden">
          {viewer?.tenant.name ?? failure}
        </span>
        <nav
          aria-label="Pages"
          className="flex self-stretch max-sm:order-last max-sm:-mx-4 max-sm:w-dvw max-sm:border-t max-sm:border-line max-sm:px-2"
        >
          <PageLink href="/" isCurrent={page === "overview"}>
            Overview
          </PageLink>
          {((viewer && mayExplore(viewer.scopes)) || page === "graphiql") && (
            <PageLink href="/graphiql" isCurrent={page === "graphiql"}>
              GraphiQL
            </PageLink>
          )}
          <span className="ml-auto truncate self-center px-2 text-soft sm:hidden">{viewer?.tenant.name ?? failure}</span>
        </nav>
        <div className="ml-auto flex items-center gap-4">
          {status !== "idle" && <Status tone={LINK_STATUS[status].tone} label={LINK_STATUS[status].text} />}
          <ThemeButton />
          <span className="text-soft max-md:hidden">{viewer && who(viewer)}</span>
          <button type="button" className="min-h-8 text-soft hover:text-text" onClick={leave}>
            Sign out
          </button>
        </div>
      </header>
      {children}
    </div>
  );
}

function PageLink({ href, isCurrent, children }: { href: string; isCurrent: boolean; children: string }): JSX.Element {
  return (
    <a
      href={href}
      aria-current={isCurrent ? "page" : undefined}
      className={`-mb-px flex min-h-10 items-center border-b-2 px-2 ${isCurrent ? "border-accent font-medium" : "border-transparent text-soft hover:text-text"}`}
    >
      {children}
    </a>
  );
}

function who(viewer: Viewer): string {
  return viewer.user?.email ?? viewer.apiKey?.name ?? "";
}

function ThemeButton(): JSX.Element {
  const theme = useTheme();
  const other = theme === "dark" ? "light" : "dark";
  return (
    <button
      type="button"
      onClick={toggleTheme}
      aria-label={`Use the ${other} theme`}
      title={`Use the ${other} theme`}
      className="grid size-8 place-items-center text-soft hover:text-text"
    >
      <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
        <circle cx="8" cy="8" r="6.25" fill="none" stroke="currentColor" strokeWidth="1.5" />
        <path d="M8 1.75a6.25 6.25 0 0 1 0 12.5z" fill="currentColor" />
      </svg>
    </button>
  );
}
