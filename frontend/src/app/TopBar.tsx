/** Above every room: firm, accounts on screen and their mode, day's result, connections, messages, look. */
import type { JSX } from "react";

import { Pnl } from "../shared/format/Pnl";
import { useConnection, type ConnectionStatus } from "../shared/graphql/connection";
import { signOut } from "../shared/graphql/session";
import { Menu, MenuHeading, MenuItem } from "../shared/overlay/Menu";
import {
  accountName,
  chooseAccounts,
  MODES,
  modeOf,
  useAccountChoice,
  useAccounts,
  useChosenAccounts,
} from "../shared/session/accounts";
import { brokerState, useUnknownFor } from "../shared/session/brokers";
import { useDayPnl } from "../shared/session/dayPnl";
import { ModeBadge } from "../shared/session/Mode";
import { useMay, useViewer } from "../shared/session/viewer";
import { Status, type Tone } from "../shared/table/Status";
import { KillButton } from "../rooms/killswitch/KillButton";
import { AppearanceMenu } from "./AppearanceMenu";
import { Mark } from "./Mark";
import { Notices } from "./Notices";

const LINK_STATUS: Record<Exclude<ConnectionStatus, "idle">, { tone: Tone; text: string }> = {
  connecting: { tone: "pending", text: "Connecting" },
  live: { tone: "ok", text: "Live" },
  reconnecting: { tone: "warn", text: "Reconnecting" },
};

export function TopBar({ onNavigation, onPalette }: { onNavigation: () => void; onPalette: () => void }): JSX.Element {
  return (
    <header className="flex min-h-10 shrink-0 flex-wrap items-center gap-x-4 border-b border-line bg-surface px-4 max-sm:px-3">
      <button type="button" className="-ml-1 size-8 text-soft lg:hidden" aria-label="Pages" onClick={onNavigation}>
        <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" className="mx-auto">
          <path d="M2 4h12M2 8h12M2 12h12" stroke="currentColor" strokeWidth="1.5" />
        </svg>
      </button>
      <Mark className="max-md:hidden" />
      <Firm />
      <AccountMenu />
      <span className="ml-auto flex items-center gap-4 max-sm:order-last max-sm:min-h-7 max-sm:w-full">
        <DayResult />
        <ApiPill />
        <BrokerPill />
      </span>
      <button type="button" className="control max-md:hidden" onClick={onPalette}>
        Find <kbd className="text-micro text-faint">Ctrl K</kbd>
      </button>
      <span className="flex items-center gap-1 max-sm:ml-auto">
        <Notices />
        <AppearanceMenu />
        <KillButton />
      </span>
    </header>
  );
}

function Firm(): JSX.Element | null {
  const { viewer, failure } = useViewer();
  if (viewer === null) return failure === null ? null : <span className="text-critical">{failure}</span>;
  const others = viewer.memberships.filter((each) => each.isActive && each.tenant.id !== viewer.tenant.id);
  if (others.length === 0) return <span className="truncate text-soft max-xl:hidden">{viewer.tenant.name}</span>;
  return (
    <Menu label="Firm" button={viewer.tenant.name} buttonClass="control max-w-40 truncate max-xl:hidden">
      {() => (
        <div className="py-1">
          <MenuHeading>Sign in to another firm</MenuHeading>
          {others.map(({ id, tenant }) => (
            <MenuItem key={id} onClick={() => void signOut().then(() => location.assign(`/sign-in?firm=${tenant.slug}`))}>
              {tenant.name}
            </MenuItem>
          ))}
        </div>
      )}
    </Menu>
  );
}

function AccountMenu(): JSX.Element | null {
  const all = useAccounts();
  const choice = useAccountChoice();
  const chosen = useChosenAccounts();
  if (all.length === 0) return null;
  const modes = MODES.filter((mode) => all.some((account) => modeOf(account) === mode));
  const shownModes = MODES.filter((mode) => chosen.some((account) => modeOf(account) === mode));
  const only = chosen.length === 1 ? chosen[0] : undefined;

  return (
    <span className="flex items-center gap-2">
      <Menu label="Accounts on screen" button={only ? accountName(only) : choice === "all" ? "All accounts" : `All ${choice}`} buttonClass="control max-w-44 truncate">
        {(close) => {
          const pick = (next: string) => () => {
            chooseAccounts(next);
            close();
          };
          return (
            <div className="py-1">
              <MenuItem isChosen={choice === "all"} onClick={pick("all")}>
                All accounts
              </MenuItem>
              {modes.map((mode) => (
                <div key={mode} role="group" aria-label={mode}>
                  <MenuHeading>{mode}</MenuHeading>
                  {all.filter((account) => modeOf(account) === mode).length > 1 && (
                    <MenuItem isChosen={choice === mode} onClick={pick(mode)}>
                      All {mode}
                    </MenuItem>
                  )}
                  {all
                    .filter((account) => modeOf(account) === mode)
                    .map((account) => (
                      <MenuItem key={account.id} isChosen={choice === account.id} onClick={pick(account.id)}>
                        <span className="font-medium">{accountName(account)}</span>
                        {account.label !== null && <span className="text-faint">{account.accountNumber}</span>}
                        <span className="ml-auto pl-4 text-faint">{account.baseCurrency}</span>
                      </MenuItem>
                    ))}
                </div>
              ))}
            </div>
          );
        }}
      </Menu>
      {shownModes.map((mode) => (
        <ModeBadge key={mode} mode={mode} />
      ))}
    </span>
  );
}

function DayResult(): JSX.Element | null {
  const maySee = useMay("VIEW_POSITIONS");
  const sums = useDayPnl();
  if (!maySee || sums === null) return null;
  return (
    <span className="flex items-center gap-3 max-sm:mr-auto">
      {sums.map(({ mode, currency, net }) => (
        <span key={`${mode} ${currency}`} title="Net result of the trading day, after commissions">
          <span className="mr-1.5 text-small text-faint">
            Day{sums.length > 1 ? ` ${mode}` : ""} {currency}
          </span>
          <Pnl value={net} />
        </span>
      ))}
    </span>
  );
}

function ApiPill(): JSX.Element | null {
  const status = useConnection();
  if (status === "idle") return null;
  const { tone, text } = LINK_STATUS[status];
  return (
    <span title="The live connection to the server">
      <Status tone={tone} label={text} />
    </span>
  );
}

function BrokerPill(): JSX.Element | null {
  const state = brokerState(useChosenAccounts(), useUnknownFor());
  if (state === null) return null;
  return (
    <span title={state.detail}>
      <Status tone={state.tone} label={state.text} />
    </span>
  );
}
