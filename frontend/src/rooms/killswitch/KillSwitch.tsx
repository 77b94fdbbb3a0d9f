/** The kill switch: no order is accepted any more, what works is canceled, positions are closed if that is wished. */
import { useEffect, useId, useRef, useState, type FormEvent, type JSX } from "react";

import { act } from "../../shared/act/act";
import { findInstrument } from "../../shared/instrument/find";
import { createFeed } from "../../shared/live/feed";
import { subscribe } from "../../shared/live/socket";
import { Dialog } from "../../shared/overlay/Dialog";
import { accountName, modeOf, useAccounts } from "../../shared/session/accounts";
import { useViewer } from "../../shared/session/viewer";
import { Status } from "../../shared/table/Status";
import { ACTIVATE_KILL_SWITCH, KILL_SWITCH_PROGRESS, type KillSwitchState } from "./documents";

const EVERYTHING = "";
const INSTRUMENT = "instrument";
const REASON_MAX = 500;

export function KillSwitch({ onClose }: { onClose: () => void }): JSX.Element {
  const [state, setState] = useState<KillSwitchState | null>(null);
  return (
    <Dialog title={state === null ? "Kill switch" : state.drill ? "Drill of the kill switch" : "The kill switch is on"} width="wide" onClose={onClose}>
      {state === null ? <Ask onClose={onClose} onActivated={setState} /> : <Progress first={state} onClose={onClose} />}
    </Dialog>
  );
}

function Ask({ onClose, onActivated }: { onClose: () => void; onActivated: (state: KillSwitchState) => void }): JSX.Element {
  const accounts = useAccounts();
  const { viewer } = useViewer();
  const [target, setTarget] = useState(EVERYTHING);
  const [symbol, setSymbol] = useState("");
  const [reason, setReason] = useState("");
  const [closePositions, setClosePositions] = useState(false);
  const [typed, setTyped] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const busy = useRef(false);
  const id = useId();
  const account = accounts.find((each) => each.id === target);
  const isOfInstrument = target === INSTRUMENT;
  const word = account ? account.accountNumber : isOfInstrument ? symbol.trim().toUpperCase() : (viewer?.tenant.slug ?? "");
  const isConfirmed = typed.trim() === word && word !== "";

  async function activate(drill: boolean): Promise<void> {
    if (busy.current) return;
    if (reason.trim() === "") {
      setProblem("Say why: it is kept with it.");
      return;
    }
    busy.current = true;
    setIsBusy(true);
    setProblem(null);
    const found = isOfInstrument ? await findInstrument(symbol) : null;
    if (found && "problem" in found) {
      busy.current = false;
      setIsBusy(false);
      setProblem(found.problem);
      return;
    }
    const input = {
      scope: account ? ("ACCOUNT" as const) : found ? ("INSTRUMENT" as const) : ("TENANT" as const),
      targetId: account?.id ?? found?.id ?? null,
      reason: reason.trim(),
      closePositions,
      drill,
    };
    const outcome = await act(ACTIVATE_KILL_SWITCH, { input });
    busy.current = false;
    setIsBusy(false);
    if (!outcome.ok) setProblem(outcome.words === "" ? null : outcome.words);
    else if (outcome.payload.killSwitch) onActivated(outcome.payload.killSwitch);
  }
  function submit(event: FormEvent): void {
    event.preventDefault();
    if (isConfirmed) void activate(false);
  }

  return (
    <form onSubmit={submit} className="flex flex-col gap-3 px-4 pt-2 pb-4">
      <p className="text-soft">
        It halts trading, and cancels every open order of what it covers: held, staged and waiting ones too. Only another person can release
        the halt.
      </p>
      <div>
        <label htmlFor={`${id}-target`} className="block text-micro text-faint">
          What it covers
        </label>
        <select id={`${id}-target`} className="input w-full" value={target} onChange={(event) => setTarget(event.target.value)}>
          <option value={EVERYTHING}>The whole firm, every account</option>
          {accounts.map((each) => (
            <option key={each.id} value={each.id}>
              {accountName(each)} {modeOf(each)}
            </option>
          ))}
          <option value={INSTRUMENT}>One instrument, over all accounts</option>
        </select>
      </div>
      {isOfInstrument && (
        <div>
          <label htmlFor={`${id}-symbol`} className="block text-micro text-faint">
            Symbol
          </label>
          <input id={`${id}-symbol`} className="input w-full" autoComplete="off" spellCheck={false} value={symbol} onChange={(event) => setSymbol(event.target.value)} />
        </div>
      )}
      <div>
        <label htmlFor={`${id}-reason`} className="block text-micro text-faint">
          Why
        </label>
        <input id={`${id}-reason`} data-first className="input w-full" maxLength={REASON_MAX} value={reason} onChange={(event) => setReason(event.target.value)} />
      </div>
      <label className="flex items-center gap-2">
        <input type="checkbox" checked={closePositions} onChange={(event) => setClosePositions(event.target.checked)} />
        Close the positions too, by market orders
      </label>
      {word !== "" && (
        <div>
          <label htmlFor={`${id}-word`} className="block text-small text-critical">
            Type {word} to confirm
          </label>
          <input id={`${id}-word`} className="input w-full" autoComplete="off" spellCheck={false} value={typed} onChange={(event) => setTyped(event.target.value)} />
        </div>
      )}
      <p role="alert" className="text-critical">
        {problem}
      </p>
      <div className="flex flex-wrap gap-2">
        <button type="button" className="control" onClick={onClose}>
          Leave it
        </button>
        <button type="button" className="control" disabled={isBusy} onClick={() => void activate(true)}>
          Drill: tell what it would do
        </button>
        <button type="submit" className="control danger ml-auto font-medium" disabled={isBusy || !isConfirmed}>
          {isBusy ? "On its way" : "Activate the kill switch"}
        </button>
      </div>
    </form>
  );
}

const STEP = {
  WAITING: { tone: "pending", label: "Waiting" },
  CANCELING: { tone: "working", label: "Canceling" },
  DONE: { tone: "ok", label: "Done" },
} as const;

function Progress({ first, onClose }: { first: KillSwitchState; onClose: () => void }): JSX.Element {
  const accounts = useAccounts();
  const [state, setState] = useState(first);
  const { id } = first;
  useEffect(() => subscribe(KILL_SWITCH_PROGRESS, { id }, createFeed(), (data) => setState(data.killSwitchProgress)), [id]);

  return (
    <div className="px-4 pt-2 pb-4">
      <p role="status" className="pb-2">
        {state.drill ? "It would cancel" : "Canceled or asked for"}: {counted(state.ordersCancelled, "order")}
        {state.closePositions && `; ${state.drill ? "close" : "closing"}: ${counted(state.positionsClosing, "position")}`}.{" "}
        {state.drill ? "Nothing was touched." : state.finishedAt === null ? "It goes on until every account is done." : "Every account is done."}
      </p>
      <ul className="max-h-72 overflow-auto border-y border-line">
        {state.accounts.map((each) => {
          const account = accounts.find((one) => one.id === each.accountId);
          return (
            <li key={each.accountId} className="py-1">
              <div className="flex flex-wrap items-center gap-x-4">
                <span className="w-36 font-medium">{account ? accountName(account) : each.accountId}</span>
                <Status {...STEP[each.step]} />
                <span className="text-soft">
                  {counted(each.ordersCancelled, "order")}
                  {each.cancelsUnconfirmed > 0 && `, ${each.cancelsUnconfirmed} not confirmed yet`}
                  {each.positionsClosing > 0 && `, ${counted(each.positionsClosing, "position")}`}
                  {each.closesOpen > 0 && `, ${each.closesOpen} closing still`}
                </span>
              </div>
              {each.errors.map((error) => (
                <p key={`${error.subjectId} ${error.message}`} className="text-small text-critical">
                  {error.message}
                </p>
              ))}
            </li>
          );
        })}
      </ul>
      <div className="flex justify-end pt-3">
        <button type="button" className="control" onClick={onClose}>
          Close
        </button>
      </div>
    </div>
  );
}

function counted(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}
