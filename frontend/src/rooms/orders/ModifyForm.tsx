/** Other terms for a working order, in its drawer. The order keeps its old ones until the broker agrees. */
import { useId, useRef, useState, type FormEvent, type JSX } from "react";

import { useReturnedFocus } from "../../shared/keyboard/focus";
import { client } from "../../shared/graphql/client";
import { describeFailure } from "../../shared/graphql/failure";
import { toast } from "../../shared/overlay/toasts";
import { plain } from "../../shared/format/decimal";
import { NumberField } from "../ticket/NumberField";
import { parseDecimal, parseQuantity } from "../ticket/quantity";
import { nameOfOrder } from "./acts";
import { MODIFY_ORDER, type Order } from "./documents";

const PRICES = { limitPrice: "Limit", stopPrice: "Stop", trailingAmount: "Trail" } as const;
type PriceName = keyof typeof PRICES;

export function ModifyForm({ order, onDone }: { order: Order; onDone: () => void }): JSX.Element {
  const prices = (Object.keys(PRICES) as PriceName[]).filter((name) => order[name] !== null);
  const [quantity, setQuantity] = useState(plain(order.quantity));
  const [texts, setTexts] = useState<Partial<Record<PriceName, string>>>(() =>
    Object.fromEntries(prices.map((name) => [name, plain(order[name] ?? "")])),
  );
  const [validity, setValidity] = useState(order.timeInForce);
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const id = useId();
  useReturnedFocus();
  // A second Enter before the first is drawn finds it busy too.
  const busy = useRef(false);

  async function send(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (busy.current) return;
    const amount = parseQuantity(quantity);
    const given = Object.fromEntries(prices.map((name) => [name, parseDecimal(texts[name] ?? "")]));
    if (amount === null || Object.values(given).includes(null)) {
      setProblem("Each field needs a number.");
      return;
    }
    const changed = {
      ...(amount === plain(order.quantity) ? {} : { quantity: amount }),
      ...Object.fromEntries(prices.filter((name) => given[name] !== plain(order[name] ?? "")).map((name) => [name, given[name]])),
      ...(validity === order.timeInForce ? {} : { timeInForce: validity }),
    };
    if (Object.keys(changed).length === 0) {
      setProblem("Nothing is different yet.");
      return;
    }
    busy.current = true;
    setIsBusy(true);
    setProblem(null);
    const input = { orderId: order.id, expectedVersion: order.version, ...changed };
    const { data, error } = await client.mutation(MODIFY_ORDER, { input }).toPromise();
    busy.current = false;
    setIsBusy(false);
    const told = error ? describeFailure(error) : data?.modifyOrder.errors.map((each) => each.message).join(" ");
    if (told) {
      setProblem(told);
      return;
    }
    toast("ok", `Change asked for: ${nameOfOrder(order)}`);
    onDone();
  }

  return (
    <form aria-label="Modify the order" onSubmit={(event) => void send(event)} className="flex flex-wrap items-end gap-2 px-4 pb-3">
      <NumberField label="Quantity" value={quantity} step={order.instrument.lotSize} onChange={setQuantity} isFirst />
      {prices.map((name) => (
        <NumberField
          key={name}
          label={PRICES[name]}
          value={texts[name] ?? ""}
          step={order.instrument.tickSize}
          onChange={(next) => setTexts({ ...texts, [name]: next })}
        />
      ))}
      {(order.timeInForce === "DAY" || order.timeInForce === "GTC") && (
        <div>
          <label htmlFor={id} className="block text-micro text-faint">
            Valid
          </label>
          <select id={id} className="input" value={validity} onChange={(event) => setValidity(event.target.value as Order["timeInForce"])}>
            <option>DAY</option>
            <option>GTC</option>
          </select>
        </div>
      )}
      <button type="submit" className="control primary" aria-disabled={isBusy}>
        Send change
      </button>
      <button type="button" className="control" onClick={onDone}>
        Keep
      </button>
      <p role="alert" className="w-full text-critical">
        {problem}
      </p>
    </form>
  );
}
