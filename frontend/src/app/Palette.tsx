/** The command palette: pages, accounts, commands and symbols by a few letters. */
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useId, useState, type JSX, type KeyboardEvent } from "react";

import { client } from "../shared/graphql/client";
import { useShortcutGroups } from "../shared/keyboard/shortcuts";
import { Dialog } from "../shared/overlay/Dialog";
import { accountName, chooseAccounts, modeOf, useAccounts } from "../shared/session/accounts";
import { useMay } from "../shared/session/viewer";
import { openKillSwitch } from "../rooms/killswitch/open";
import { FIND_SYMBOLS } from "./documents";
import { matching, type Command } from "./matching";
import { roomOf, type Room } from "./rooms";

const SEARCH_AFTER_MS = 150;
const SHOWN = 40;

export function Palette({ rooms, onClose }: { rooms: readonly Room[]; onClose: () => void }): JSX.Element {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const id = useId();
  const navigate = useNavigate();
  const groups = useShortcutGroups();
  const all = useAccounts();
  const symbols = useSymbols(text);
  const mayHalt = useMay("MANAGE_RISK");

  const commands: Command[] = [
    ...rooms.map((room) => ({
      group: "Pages",
      label: room.title,
      also: room.also ?? "",
      hint: room.keys,
      run: () => void navigate({ to: room.path as "/" }),
    })),
    ...groups
      .filter((group) => group.title !== "Go to")
      .flatMap((group) =>
        group.shortcuts.flatMap((each) =>
            each.keys === "Ctrl+K" || each.run === undefined ? [] : [{ group: "Commands", label: each.label, also: group.title, hint: each.keys, run: each.run }],
        ),
      ),
    ...(mayHalt ? [{ group: "Commands", label: "Kill switch", also: "halt trading stop cancel everything", hint: "", run: openKillSwitch }] : []),
    ...all.map((account) => ({
      group: "Accounts",
      label: `Show ${accountName(account)}`,
      also: `${account.accountNumber} ${modeOf(account)}`,
      hint: modeOf(account),
      run: () => chooseAccounts(account.id),
    })),
    { group: "Accounts", label: "Show all accounts", also: "", hint: "", run: () => chooseAccounts("all") },
  ];
  const found = [
    ...symbols.map((each) => ({
      group: "Symbols",
      label: each.symbol,
      also: each.name,
      hint: `${each.exchange} ${each.currency}`,
      run: () => void navigate({ to: "/trade" as "/", search: { symbol: each.symbol } }),
    })),
    ...matching(commands, text),
  ].slice(0, SHOWN);
  const chosen = Math.min(at, found.length - 1);

  function run(command: Command | undefined): void {
    if (!command) return;
    onClose();
    command.run();
  }

  function press(event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && found.length > 0) {
      event.preventDefault();
      setAt((chosen + step + found.length) % found.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      run(found[chosen]);
    }
  }

  return (
    <Dialog title="Find" hasHiddenTitle width="wide" onClose={onClose}>
      <input
        role="combobox"
        aria-expanded="true"
        aria-controls={`${id}-list`}
        aria-activedescendant={found.length > 0 ? `${id}-${chosen}` : undefined}
        aria-label="Find a page, a symbol or a command"
        placeholder="Page, symbol or command"
        className="h-10 w-full border-b border-line bg-transparent px-4 text-[14px] outline-none placeholder:text-faint"
        value={text}
        spellCheck={false}
        autoComplete="off"
        // oxlint-disable-next-line jsx-a11y/no-autofocus -- the palette was asked for to type into it
        autoFocus
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
        }}
        onKeyDown={press}
      />
      <div id={`${id}-list`} role="listbox" aria-label="Found" className="max-h-90 overflow-y-auto py-1">
        {found.map((command, index) => (
          <Option
            key={`${command.group} ${command.label} ${command.hint}`}
            id={`${id}-${index}`}
            command={command}
            isChosen={index === chosen}
            onPoint={() => setAt(index)}
            onRun={() => run(command)}
          />
        ))}
      </div>
      {found.length === 0 && <p className="px-4 pb-3 text-faint">Nothing is called that.</p>}
    </Dialog>
  );
}

interface OptionProps {
  id: string;
  command: Command;
  isChosen: boolean;
  onPoint: () => void;
  onRun: () => void;
}

function Option({ id, command, isChosen, onPoint, onRun }: OptionProps): JSX.Element {
  useEffect(() => {
    if (isChosen) document.getElementById(id)?.scrollIntoView({ block: "nearest" });
  }, [id, isChosen]);
  return (
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus -- the input holds the focus and its keys
    <div
      id={id}
      role="option"
      aria-selected={isChosen}
      onPointerMove={onPoint}
      onClick={onRun}
      className={`flex min-h-7 cursor-pointer items-center gap-3 px-4 ${isChosen ? "bg-raised" : ""}`}
    >
      <span className="w-20 shrink-0 text-small text-faint">{command.group}</span>
      <span className="truncate">{command.label}</span>
      {command.group === "Symbols" && <span className="truncate text-soft">{command.also}</span>}
      <span className="ml-auto shrink-0 text-small text-faint">{command.hint}</span>
    </div>
  );
}

interface Found {
  symbol: string;
  name: string;
  exchange: string;
  currency: string;
}

function useSymbols(text: string): readonly Found[] {
  const [found, setFound] = useState<readonly Found[]>([]);
  const maySee = useMay("VIEW_MARKET_DATA") && roomOf("/trade") !== undefined;
  const search = text.trim();
  useEffect(() => {
    if (!maySee || search.length < 1) {
      setFound([]);
      return;
    }
    let isOver = false;
    const timer = setTimeout(() => {
      void client
        .query(FIND_SYMBOLS, { search })
        .toPromise()
        .then(({ data }) => {
          if (!isOver) setFound(data?.instruments.edges.map((edge) => edge.node) ?? []);
        });
    }, SEARCH_AFTER_MS);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [search, maySee]);
  return found;
}
