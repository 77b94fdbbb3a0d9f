/** The order ticket: typed, previewed, reviewed, sent. However often it is sent, it is one order. */
import { useCallback, useEffect, useMemo, useRef, useState, type JSX, type KeyboardEvent } from "react";

import { formatDecimal } from "../../shared/format/decimal";
import { client } from "../../shared/graphql/client";
import { describeFailure } from "../../shared/graphql/failure";
import { catchFocus } from "../../shared/keyboard/focus";
import { toast } from "../../shared/overlay/toasts";
import { modeOf, useAccounts, useChosenAccounts } from "../../shared/session/accounts";
import { mayTradeOn } from "../../shared/session/grants";
import { ModeBadge } from "../../shared/session/Mode";
import { useViewer } from "../../shared/session/viewer";
import { CheckList } from "../orders/parts";
import { Confirm } from "./Confirm";
import { PLACE_ORDER, type Placed } from "./documents";
import { inputOf, newDraft, ORDER_TYPES, type Draft, type Problems } from "./draft";
import { PreviewPane } from "./PreviewPane";
import { TicketFields } from "./TicketFields";
import { useInstrument } from "./useInstrument";
import { usePreview } from "./usePreview";

interface TicketProps {
  given: Partial<Draft>;
  /** Told whenever another symbol stands in the ticket. */
  onSymbol?: (symbol: string) => void;
}

type Step = "edit" | "review" | "sending" | "unknown" | "placed";

export function Ticket({ given, onSymbol }: TicketProps): JSX.Element {
  const all = useAccounts();
  const chosen = useChosenAccounts();
  const { viewer } = useViewer();
  const offered = all.filter((account) => account.isActive);
  const usable = offered.filter((account) => mayTradeOn(viewer, account.id));
  const [draft, setDraft] = useState<Draft>(() => {
    const first = chosen.find((each) => each.isActive && mayTradeOn(viewer, each.id));
    return newDraft({ accountId: first?.id ?? "", ...given }, crypto.randomUUID());
  });
  const [step, setStep] = useState<Step>("edit");
  const [refusal, setRefusal] = useState<{ text: string; placed: Placed | null } | null>(null);
  const [placed, setPlaced] = useState<Placed["order"]>(null);
  const [isShowingProblems, setIsShowingProblems] = useState(false);
  const isConfirmed = useRef(true);
  const isSending = useRef(false);
  const toReview = useRef<HTMLButtonElement>(null);
  // The button that sent, or went back, is gone then.
  const stepBefore = useRef(step);
  useEffect(() => {
    if (step === "edit" && stepBefore.current !== "edit") catchFocus(toReview.current);
    stepBefore.current = step;
  }, [step]);

  const accountId = draft.accountId || (usable[0]?.id ?? "");
  const account = usable.find((each) => each.id === accountId);
  const known = useInstrument(draft.symbol);
  const { instrument } = known;
  const tradedId = account?.id ?? "";
  const meant = useMemo(() => inputOf({ ...draft, accountId: tradedId }, instrument?.id ?? null), [draft, tradedId, instrument]);
  const input = "input" in meant ? meant.input : null;
  const problems: Problems = "problems" in meant && isShowingProblems ? meant.problems : {};
  const previewed = usePreview(step === "placed" || step === "unknown" ? null : input);
  const isLive = account !== undefined && modeOf(account) === "LIVE";
  const label = `${draft.side === "BUY" ? "Buy" : "Sell"} ${input ? formatDecimal(input.quantity) : ""} ${instrument?.symbol ?? ""}`;

  function change(patch: Partial<Draft>): void {
    // What was refused was stored under its id: other terms are another order.
    const isOther = refusal?.placed?.order ? { clientOrderId: crypto.randomUUID() } : {};
    setRefusal(null);
    setStep("edit");
    setDraft((before) => ({ ...before, ...patch, ...isOther }));
    if (patch.symbol !== undefined) onSymbol?.(patch.symbol);
  }

  function review(): void {
    setIsShowingProblems(true);
    if (input === null) return;
    isConfirmed.current = !isLive;
    setStep("review");
  }

  async function send(): Promise<void> {
    if (input === null || isSending.current) return;
    isSending.current = true;
    setStep("sending");
    setRefusal(null);
    const { data, error } = await client.mutation(PLACE_ORDER, { input }).toPromise();
    isSending.current = false;
    const answer = data?.placeOrder;
    if (answer && answer.errors.length === 0 && answer.order) {
      setPlaced(answer.order);
      setStep("placed");
      toast("ok", `Placed: ${label}`);
      return;
    }
    if (answer) {
      setRefusal({ text: answer.errors.map((each) => each.message).join(" "), placed: answer });
      setStep(answer.errors.some((each) => each.code === "UNAVAILABLE") ? "unknown" : "edit");
      return;
    }
    const isUnknown = error?.networkError !== undefined;
    setRefusal({ text: error ? describeFailure(error) : "The server did not tell.", placed: null });
    setStep(isUnknown ? "unknown" : "edit");
  }

  function again(): void {
    setPlaced(null);
    setRefusal(null);
    setIsShowingProblems(false);
    setDraft((before) => newDraft({ ...before, quantity: "", takeProfit: "", stopLoss: "" }, crypto.randomUUID()));
    setStep("edit");
  }

  function press(event: KeyboardEvent): void {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    if (step === "edit") review();
    else if (step === "review" && isConfirmed.current) void send();
    else if (step === "unknown") void send();
    else if (step === "placed") again();
  }

  const confirmed = useCallback((next: boolean) => {
    isConfirmed.current = next;
  }, []);

  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- Ctrl+Enter works in every field of the form
    <form
      aria-label="Order ticket"
      onKeyDown={press}
      onSubmit={(event) => {
        event.preventDefault();
        if (step === "edit") review();
      }}
      className="flex flex-col"
    >
      {step === "placed" && placed ? (
        <PlacedNote placed={placed} onAgain={again} />
      ) : (
        <>
          <fieldset disabled={step === "sending" || step === "unknown"} className="contents">
            <TicketFields draft={{ ...draft, accountId }} accounts={offered} isTradable={(id) => mayTradeOn(viewer, id)} known={known} problems={problems} onChange={change} />
          </fieldset>
          <div className="px-4 py-2">
            {step === "edit" && (
              <button ref={toReview} type="submit" className={`control w-full justify-center font-medium ${draft.side === "BUY" ? "buy" : "sell"}`}>
                Review {label} <kbd className="text-micro opacity-80">Ctrl Enter</kbd>
              </button>
            )}
            {(step === "review" || step === "sending") && instrument && (
              <>
                <p className="flex items-center gap-2 pb-2">
                  <span className="font-medium">
                    {label} {inWords(draft)}
                  </span>
                  {account && <ModeBadge mode={modeOf(account)} />}
                </p>
                <Confirm
                  isLive={isLive}
                  symbol={instrument.symbol}
                  label={`Send: ${label}`}
                  heldLabel={`Hold to send: ${label}`}
                  isBusy={step === "sending"}
                  onSend={() => void send()}
                  onBack={() => setStep("edit")}
                  onConfirmed={confirmed}
                />
              </>
            )}
            {step === "unknown" && (
              <div role="alert" className="flex flex-col gap-2">
                <p className="text-warn">
                  It is not known whether the order arrived: {refusal?.text} Send it again: under its id it stays one order.
                </p>
                {/* oxlint-disable-next-line jsx-a11y/no-autofocus -- the button that sent is gone */}
                <button type="button" autoFocus className="control primary justify-center" onClick={() => void send()}>
                  Send again
                </button>
              </div>
            )}
            {step === "edit" && refusal && (
              <div role="alert" className="pt-2">
                <p className="text-critical">Refused: {refusal.text}</p>
                {refusal.placed?.order && <CheckList checks={refusal.placed.order.riskChecks.filter((check) => check.outcome === "FAILED")} />}
              </div>
            )}
          </div>
          <PreviewPane previewed={previewed} tickSize={instrument?.tickSize ?? "0.01"} />
        </>
      )}
    </form>
  );
}

function inWords(draft: Draft): string {
  const type = ORDER_TYPES.find(([value]) => value === draft.orderType)?.[1].toLowerCase() ?? "";
  const at = [draft.stopPrice, draft.limitPrice, draft.trailingAmount].filter((each) => each !== "").join(" / ");
  const isPriced = draft.orderType !== "MARKET";
  return `${type}${isPriced ? ` ${at}` : ""}, ${draft.timeInForce}`;
}

function PlacedNote({ placed, onAgain }: { placed: NonNullable<Placed["order"]>; onAgain: () => void }): JSX.Element {
  return (
    <div role="status" className="flex flex-col gap-3 px-4 py-3">
      <p>
        Placed: {placed.side === "BUY" ? "buy" : "sell"} {formatDecimal(placed.quantity)} {placed.instrument.symbol}
      </p>
      {/* oxlint-disable-next-line jsx-a11y/no-autofocus -- Enter goes on to the next order */}
      <button type="button" autoFocus className="control justify-center" onClick={onAgain}>
        New order
      </button>
    </div>
  );
}
