/** The frame around every room: top bar, navigation, banners, messages, and the keyboard. */
import { Outlet, useLocation, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useState, type JSX } from "react";

import { StepUpPrompt } from "../shared/act/StepUpPrompt";
import { toggleTheme } from "../shared/theme/theme";
import { Dialog } from "../shared/overlay/Dialog";
import { Toasts } from "../shared/overlay/Toasts";
import { startShortcuts, useShortcuts } from "../shared/keyboard/shortcuts";
import { closeSocket } from "../shared/live/socket";
import { forgetPreferences } from "../shared/preferences/preferences";
import { followAccounts } from "../shared/session/accounts";
import { followViewer, useMay, useViewer } from "../shared/session/viewer";
import { openTicket, useTicketRequest } from "../rooms/ticket/open";
import { Banners } from "./Banners";
import { KeyboardSheet } from "./KeyboardSheet";
import { Navigation } from "./Navigation";
import { followNotices } from "./notices";
import { Palette } from "./Palette";
import { openRooms, roomOf } from "./rooms";
import { TopBar } from "./TopBar";

const TicketDrawer = lazy(async () => ({ default: (await import("../rooms/ticket/TicketDrawer")).TicketDrawer }));

type Open = "palette" | "keyboard" | "navigation" | null;

const NO_SCOPES: readonly string[] = [];

export function Shell(): JSX.Element {
  const [open, setOpen] = useState<Open>(null);
  const { viewer } = useViewer();
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const rooms = openRooms(viewer?.scopes ?? NO_SCOPES);
  const mayPlace = useMay("PLACE_ORDERS");
  const mayModify = useMay("MODIFY_ORDERS");
  const mayCancel = useMay("CANCEL_ORDERS");
  const isTicketOpen = useTicketRequest() !== null;
  const mayManageRisk = useMay("MANAGE_RISK");
  const maySeeOrders = viewer?.scopes.includes("VIEW_ORDERS") ?? false;

  useEffect(() => {
    const stops = [followViewer(), startShortcuts()];
    return () => {
      for (const stop of stops) stop();
      closeSocket();
      forgetPreferences();
    };
  }, []);
  useEffect(() => {
    if (!maySeeOrders) return;
    const stops = [followAccounts(), followNotices(mayManageRisk)];
    return () => stops.forEach((stop) => stop());
  }, [maySeeOrders, mayManageRisk]);
  useEffect(() => {
    document.title = `${roomOf(pathname)?.title ?? "Not found"} · OMS Trading`;
    setOpen(null);
  }, [pathname]);

  useShortcuts("Everywhere", [
    { keys: "Ctrl+K", label: "Find a page, a symbol or a command", isEverywhere: true, run: () => setOpen("palette") },
    { keys: "?", label: "Show the keyboard", run: () => setOpen("keyboard") },
    { keys: "/", label: "Search on the page", run: searchOnPage },
    { keys: "t t", label: "Change between dark and light", run: toggleTheme },
  ]);
  useShortcuts(
    "Ticket",
    mayPlace
      ? [
          { keys: "b", label: "Buy", run: () => openTicket({ side: "BUY" }) },
          { keys: "s", label: "Sell", run: () => openTicket({ side: "SELL" }) },
          { keys: "Ctrl+Enter", label: "In the ticket: review, then send" },
          { keys: "↑ ↓", label: "In a number: a step, with Shift ten" },
        ]
      : [],
  );
  useShortcuts(
    "In an order",
    maySeeOrders
      ? [
          ...(mayModify ? [{ keys: "m", label: "Modify the order" }] : []),
          ...(mayCancel ? [{ keys: "c", label: "Cancel the order" }] : []),
          { keys: "Escape", label: "Close" },
        ]
      : [],
  );
  useShortcuts(
    "Go to",
    rooms.map((room) => ({ keys: room.keys, label: room.title, run: () => void navigate({ to: room.path as "/" }) })),
  );

  const close = (): void => setOpen(null);
  return (
    <div className="flex h-dvh flex-col">
      <a href="#room" className="skip">
        Skip to the page
      </a>
      <TopBar onNavigation={() => setOpen("navigation")} onPalette={() => setOpen("palette")} />
      <Banners />
      <div className="flex min-h-0 flex-1">
        <Navigation rooms={rooms} className="w-40 border-r border-line max-lg:hidden" />
        <main id="room" tabIndex={-1} className="flex min-h-0 min-w-0 flex-1 flex-col bg-surface focus-visible:outline-1 focus-visible:-outline-offset-1">
          <Outlet />
        </main>
        {mayPlace && isTicketOpen && (
          <Suspense>
            <TicketDrawer />
          </Suspense>
        )}
      </div>
      <Toasts />
      <StepUpPrompt />
      {open === "palette" && <Palette rooms={rooms} onClose={close} />}
      {open === "keyboard" && <KeyboardSheet onClose={close} />}
      {open === "navigation" && (
        <Dialog title="Pages" hasHiddenTitle place="left" onClose={close}>
          <Navigation rooms={rooms} className="min-h-full" />
        </Dialog>
      )}
    </div>
  );
}

function searchOnPage(): void {
  document.querySelector<HTMLInputElement>("main input[type=search]")?.focus();
}

