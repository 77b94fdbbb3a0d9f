/** The line above the explorer: the way back, who is signed in, the theme. */
import { useEffect, useState, type JSX, type ReactNode } from "react";

import { Mark } from "../../app/Mark";
import { client } from "../../shared/graphql/client";
import { describeFailure } from "../../shared/graphql/failure";
import { signOut } from "../../shared/graphql/session";
import { toggleTheme, useTheme } from "../../shared/theme/theme";
import { VIEWER } from "../identity/documents";

export function Frame({ children }: { children: ReactNode }): JSX.Element {
  const [told, setTold] = useState<{ firm: string; who: string } | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const theme = useTheme();
  const other = theme === "dark" ? "light" : "dark";

  useEffect(() => {
    void client
      .query(VIEWER, {})
      .toPromise()
      .then(({ data, error }) => {
        if (data) setTold({ firm: data.viewer.tenant.name, who: data.viewer.user?.email ?? data.viewer.apiKey?.name ?? "" });
        setFailure(error ? describeFailure(error) : null);
      });
  }, []);

  function leave(): void {
    signOut().catch(() => setFailure("You are still signed in: the server cannot be reached."));
  }

  return (
    <div className="flex h-dvh flex-col">
      <header className="flex min-h-10 shrink-0 flex-wrap items-center gap-x-5 border-b border-line bg-surface px-4">
        <a href="/" aria-label="OMS Trading, to the dashboard">
          <Mark />
        </a>
        <span className="truncate text-soft max-sm:hidden">{failure ?? told?.firm}</span>
        <div className="ml-auto flex items-center gap-4">
          <a href="/" className="text-soft hover:text-text">
            Dashboard
          </a>
          <button type="button" className="control" onClick={toggleTheme} aria-label={`Use the ${other} theme`}>
            {other === "dark" ? "Dark" : "Light"}
          </button>
          <span className="text-soft max-md:hidden">{told?.who}</span>
          <button type="button" className="min-h-8 text-soft hover:text-text" onClick={leave}>
            Sign out
          </button>
        </div>
      </header>
      {children}
    </div>
  );
}
