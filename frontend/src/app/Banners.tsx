/** What the whole screen must know: the connection is away, or a newer version is there. */
import { useEffect, useState, type JSX } from "react";

import { connection, useConnection } from "../shared/graphql/connection";
import { useHalts } from "../rooms/killswitch/halts";
import type { Halt } from "../rooms/killswitch/documents";
import { formatTime } from "../shared/format/time";
import { accountName, useAccounts } from "../shared/session/accounts";
import type { DeskAccount } from "../shared/session/documents";
import { Status } from "../shared/table/Status";

const AWAY_AFTER_MS = 2_000;
const LOOK_EVERY_MS = 10 * 60_000;

export function Banners(): JSX.Element {
  const isAway = useIsAway();
  const isOld = useIsOld();
  const halts = useHalts();
  const accounts = useAccounts();
  return (
    <div role="status" aria-label="Notices of the system">
      {halts.map((halt) => (
        <Banner key={halt.id}>
          <Status
            tone={halt.mode === "HALTED" ? "critical" : "warn"}
            label={`${halt.mode === "HALTED" ? "Trading is halted" : "Orders may only reduce positions"}: ${coverOf(halt, accounts)}`}
          />
          <span className="text-soft">
            {halt.reason} (since {formatTime(halt.haltedAt)})
          </span>
        </Banner>
      ))}
      {isAway && (
        <Banner>
          <Status tone="warn" label="The connection to the server is away. What you see may be old; it is being taken up again." />
        </Banner>
      )}
      {isOld && (
        <Banner>
          <Status tone="working" label="A newer version of the dashboard is there." />
          <button type="button" className="text-accent underline-offset-2 hover:underline" onClick={() => location.reload()}>
            Reload
          </button>
        </Banner>
      )}
    </div>
  );
}

function coverOf(halt: Halt, accounts: readonly DeskAccount[]): string {
  const account = accounts.find((each) => each.id === halt.targetId);
  if (halt.scope === "TENANT") return "the whole firm";
  return account ? accountName(account) : `one ${halt.scope.toLowerCase()}`;
}

function Banner({ children }: { children: React.ReactNode }): JSX.Element {
  return <div className="flex min-h-8 flex-wrap items-center gap-3 border-b border-line bg-raised px-4 py-1">{children}</div>;
}

/** A moment's loss is no news; two seconds of it are. */
function useIsAway(): boolean {
  const status = useConnection();
  const [isAway, setIsAway] = useState(false);
  useEffect(() => {
    if (status !== "reconnecting") {
      setIsAway(false);
      return;
    }
    const timer = setTimeout(() => setIsAway(true), AWAY_AFTER_MS);
    return () => clearTimeout(timer);
  }, [status]);
  return isAway;
}

/** The entry script bears the hash of the build: another one in the page as it is served now is another version. */
function useIsOld(): boolean {
  const [isOld, setIsOld] = useState(false);
  useEffect(() => {
    const mine = document.querySelector<HTMLScriptElement>('script[type="module"][src]')?.getAttribute("src");
    async function look(): Promise<void> {
      if (!mine) return;
      try {
        const response = await fetch("/", { cache: "no-store", signal: AbortSignal.timeout(10_000) });
        if (response.ok && !(await response.text()).includes(mine)) setIsOld(true);
      } catch {
        // The server is away; the next look is after it came back.
      }
    }
    const stop = connection.listen(() => {
      if (connection.get() === "live") void look();
    });
    const timer = setInterval(() => void look(), LOOK_EVERY_MS);
    return () => {
      stop();
      clearInterval(timer);
    };
  }, []);
  return isOld;
}
