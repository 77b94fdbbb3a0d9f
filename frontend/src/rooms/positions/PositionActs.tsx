/** Close and reverse: market orders against a position, asked for once, however often the button is pressed. */
import { useRef, useState, type JSX } from "react";

import { formatDecimal, multiply, signOf, subtract } from "../../shared/format/decimal";
import { client } from "../../shared/graphql/client";
import { describeFailure } from "../../shared/graphql/failure";
import { Dialog } from "../../shared/overlay/Dialog";
import { toast } from "../../shared/overlay/toasts";
import { accountName, modeOf } from "../../shared/session/accounts";
import { ModeBadge } from "../../shared/session/Mode";
import { Confirm } from "../ticket/Confirm";
import { NumberField } from "../ticket/NumberField";
import { parseQuantity } from "../ticket/quantity";
import { CLOSE_POSITION, REVERSE_POSITION, type Position } from "./documents";

export type PositionAct = "close" | "reverse";

interface PositionActDialogProps {
  act: PositionAct;
  position: Position;
  onClose: () => void;
}

export function PositionActDialog({ act, position, onClose }: PositionActDialogProps): JSX.Element {
  // Made when the dialog opens and kept through retries.
  const [clientOrderId] = useState(() => crypto.randomUUID());
  const size = position.quantity.replace("-", "");
  const [quantity, setQuantity] = useState(size);
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const busy = useRef(false);
  const symbol = position.instrument.symbol;
  const side = signOf(position.quantity) > 0 ? "Sell" : "Buy";
  const amount = parseQuantity(quantity);
  const twice = multiply(size, "2");
  const title = act === "close" ? `Close ${symbol}` : `Reverse ${symbol}`;

  async function send(): Promise<void> {
    if (busy.current) return;
    if (act === "close" && (amount === null || signOf(amount) === 0)) {
      setProblem("How much is to be closed?");
      return;
    }
    busy.current = true;
    setIsBusy(true);
    setProblem(null);
    const given = { positionId: position.id, clientOrderId };
    const told = await (act === "close" ? close({ ...given, ...(amount === size ? {} : { quantity: amount }) }) : reverse(given));
    busy.current = false;
    setIsBusy(false);
    if (told) {
      setProblem(told);
      return;
    }
    toast("ok", `${title}: ordered at the market`);
    onClose();
  }

  return (
    <Dialog title={title} onClose={onClose}>
      <div className="flex flex-col gap-3 px-4 pt-2 pb-4">
        <p className="flex items-center gap-2 text-soft">
          {formatDecimal(position.quantity)} in {accountName(position.account)} <ModeBadge mode={modeOf(position.account)} />
        </p>
        {act === "close" ? (
          <NumberField label="Quantity" value={quantity} step={position.instrument.lotSize} onChange={setQuantity} />
        ) : (
          <p>
            A market order turns it round: {side.toLowerCase()} {formatDecimal(twice)} {symbol}, then {formatDecimal(subtract("0", position.quantity))} is held.
          </p>
        )}
        <p className="text-small text-faint">Orders that cover the whole position make way for it.</p>
        <p role="alert" className="text-critical">
          {problem}
        </p>
        <Confirm
          isLive={modeOf(position.account) === "LIVE"}
          symbol={symbol}
          label={`${side} ${act === "reverse" ? formatDecimal(twice) : amount === null ? "" : formatDecimal(amount)} ${symbol}`}
          isBusy={isBusy}
          onSend={() => void send()}
          onBack={onClose}
          onConfirmed={ignore}
        />
      </div>
    </Dialog>
  );
}

function ignore(): void {
  // The dialog has no key of its own to send by.
}

async function close(input: { positionId: string; clientOrderId: string; quantity?: string | null }): Promise<string | undefined> {
  const { data, error } = await client.mutation(CLOSE_POSITION, { input }).toPromise();
  return error ? describeFailure(error) : data?.closePosition.errors.map((each) => each.message).join(" ");
}

async function reverse(input: { positionId: string; clientOrderId: string }): Promise<string | undefined> {
  const { data, error } = await client.mutation(REVERSE_POSITION, { input }).toPromise();
  return error ? describeFailure(error) : data?.reversePosition.errors.map((each) => each.message).join(" ");
}
