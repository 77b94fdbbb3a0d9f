/** What can be done to the selected orders; afterwards each has its result. */
import { useState, type JSX } from "react";

import { useShortcuts } from "../../shared/keyboard/shortcuts";
import { Dialog } from "../../shared/overlay/Dialog";
import { modeOf, MODES } from "../../shared/session/accounts";
import { ModeBadge } from "../../shared/session/Mode";
import { useMay } from "../../shared/session/viewer";
import { Status } from "../../shared/table/Status";
import { cancelMany, nameOfOrder, ORDERS_AT_ONCE, releaseMany, type Outcome } from "./acts";
import { isWorking } from "./columns";
import type { Order } from "./documents";

interface Act {
  verb: string;
  done: string;
  orders: readonly Order[];
  run: (orders: readonly Order[]) => Promise<Outcome[]>;
}

export function BulkBar({ orders, onClear }: { orders: readonly Order[]; onClear: () => void }): JSX.Element {
  const mayCancel = useMay("CANCEL_ORDERS");
  const mayPlace = useMay("PLACE_ORDERS");
  const [act, setAct] = useState<Act | null>(null);
  const working = orders.filter(isWorking).slice(0, ORDERS_AT_ONCE);
  const staged = working.filter((order) => order.staged);
  const cancel = (): void => setAct({ verb: "Cancel", done: "Cancel asked for", orders: working, run: cancelMany });
  useShortcuts("Selected orders", [
    ...(mayCancel && working.length > 0 ? [{ keys: "c", label: "Cancel the selected orders", run: cancel }] : []),
    { keys: "Escape", label: "Select none", run: onClear },
  ]);

  return (
    <div role="toolbar" aria-label="Selected orders" className="flex min-h-9 shrink-0 flex-wrap items-center gap-2 border-b border-line bg-raised px-4 py-1">
      <span className="font-medium">{orders.length} selected</span>
      {mayCancel && (
        <button type="button" className="control danger" disabled={working.length === 0} onClick={cancel}>
          Cancel {working.length} working
        </button>
      )}
      {mayPlace && staged.length > 0 && (
        <button
          type="button"
          className="control"
          onClick={() => setAct({ verb: "Release", done: "Released", orders: staged, run: releaseMany })}
        >
          Release {staged.length} staged
        </button>
      )}
      <button type="button" className="control" onClick={onClear}>
        Select none
      </button>
      {act && <ActDialog act={act} onClose={() => setAct(null)} onDone={onClear} />}
    </div>
  );
}

function ActDialog({ act, onClose, onDone }: { act: Act; onClose: () => void; onDone: () => void }): JSX.Element {
  const [results, setResults] = useState<readonly Outcome[] | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const modes = MODES.filter((mode) => act.orders.some((order) => modeOf(order.account) === mode));
  const taken = results?.filter((each) => each.problem === null).length ?? 0;

  async function run(): Promise<void> {
    if (isBusy) return;
    setIsBusy(true);
    setResults(await act.run(act.orders));
    setIsBusy(false);
  }
  function close(): void {
    onClose();
    if (results !== null) onDone();
  }

  return (
    <Dialog
      title={results === null ? `${act.verb} ${act.orders.length} ${act.orders.length === 1 ? "order" : "orders"}?` : `${act.done}: ${taken} of ${results.length}`}
      width="wide"
      onClose={close}
    >
      <div className="flex gap-2 px-4 pt-2">
        {modes.map((mode) => (
          <ModeBadge key={mode} mode={mode} />
        ))}
      </div>
      <ul className="my-3 max-h-80 overflow-y-auto border-y border-line" aria-label="Orders">
        {(results ?? act.orders.map((order) => ({ order, problem: null }))).map(({ order, problem }) => (
          <li key={order.id} className="flex min-h-6 items-baseline gap-4 px-4 py-0.5">
            <span className="w-48 shrink-0 truncate">{nameOfOrder(order)}</span>
            {results !== null && <Status tone={problem === null ? "ok" : "critical"} label={problem ?? act.done} />}
          </li>
        ))}
      </ul>
      <div className="flex justify-end gap-2 px-4 pb-4">
        {results === null ? (
          <>
            <button type="button" className="control" onClick={close}>
              Keep them
            </button>
            {/* Enter confirms what the keyboard asked for. */}
            <button type="button" data-first className="control primary" aria-disabled={isBusy} onClick={() => void run()}>
              {act.verb} {act.orders.length}
            </button>
          </>
        ) : (
          <button type="button" className="control" onClick={close}>
            Close
          </button>
        )}
      </div>
    </Dialog>
  );
}
