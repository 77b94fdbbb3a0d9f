/** Orders that wait for a second person: the facts of each, and the decision. */
import { useEffect, useState, type JSX } from "react";

import { act } from "../../shared/act/act";
import { Button } from "../../shared/controls/Button";
import { Confirm } from "../../shared/controls/Confirm";
import { Facts } from "../../shared/controls/Facts";
import { formatDecimal } from "../../shared/format/decimal";
import { notionalOf } from "../../shared/format/notional";
import { termsInWords } from "../../shared/format/terms";
import { formatEnum, formatTime } from "../../shared/format/time";
import { useActors } from "../../shared/identity/actors";
import { useShortcuts } from "../../shared/keyboard/shortcuts";
import { toast } from "../../shared/overlay/toasts";
import { RoomLink, SymbolLink } from "../../shared/page/links";
import { Page } from "../../shared/page/Page";
import { Answered } from "../../shared/query/Answered";
import { More } from "../../shared/query/More";
import { Stale } from "../../shared/query/Stale";
import { pageOfConnection, usePages } from "../../shared/query/usePages";
import { modeOf } from "../../shared/session/accounts";
import { useMay } from "../../shared/session/viewer";
import { Status, type Tone } from "../../shared/table/Status";
import { APPROVE, WAITING, type Waiting } from "./documents";
import { leftInWords, makerOf, reasonsOf, secondsLeft } from "./waiting";

const PAGE = 50;
const LOOK_EVERY_MS = 3_000;
const HURRY_S = 60;

type Question = { order: Waiting; approves: boolean };

export function ApprovalsPage(): JSX.Element {
  const pages = usePages(WAITING, { first: PAGE }, { pageOf: (data) => pageOfConnection(data.orders), everyMs: LOOK_EVERY_MS });
  const mayApprove = useMay("APPROVE_ORDERS");
  const nameOfActor = useActors();
  const nowMs = useSecond();
  const [selected, setSelected] = useState(0);
  const [question, setQuestion] = useState<Question | null>(null);
  const rows = pages.data?.rows ?? [];
  const at = Math.min(selected, Math.max(0, rows.length - 1));

  function move(step: number): void {
    const next = Math.max(0, Math.min(rows.length - 1, at + step));
    setSelected(next);
    document.querySelector(`[data-waiting="${rows[next]?.id ?? ""}"]`)?.scrollIntoView({ block: "nearest" });
  }

  function decide(approves: boolean): void {
    const order = rows[at];
    if (order && mayApprove) setQuestion({ order, approves });
  }

  useShortcuts("Approvals", [
    { keys: "j", label: "Next order", run: () => move(1) },
    { keys: "k", label: "Order before", run: () => move(-1) },
    { keys: "a", label: "Approve the order", run: () => decide(true) },
    { keys: "r", label: "Reject the order", run: () => decide(false) },
  ]);

  return (
    <Page
      title="Approvals"
      tools={<Stale answer={pages} limitMs={4 * LOOK_EVERY_MS} />}
      actions={
        <RoomLink to="/settings" search={{ tab: "policies" }}>
          Policies
        </RoomLink>
      }
    >
      <Answered
        answer={pages}
        what="the orders that wait"
        empty={(data) =>
          data.rows.length === 0
            ? { title: "No order waits for a second person.", words: "Orders that meet an approval policy show up here as they are placed." }
            : null
        }
      >
        {(data) => (
          <>
            <ul aria-label="Orders that wait">
              {data.rows.map((order, index) => (
                <WaitingOrder
                  key={order.id}
                  order={order}
                  isSelected={index === at}
                  nowMs={nowMs}
                  maker={nameOfActor(makerOf(order))}
                  isOwn={nameOfActor(makerOf(order)) === "You"}
                  mayApprove={mayApprove}
                  onSelect={() => setSelected(index)}
                  onDecide={(approves) => setQuestion({ order, approves })}
                />
              ))}
            </ul>
            <More pages={pages} what="orders" />
          </>
        )}
      </Answered>
      {question && (
        <Decision
          question={question}
          onDone={() => {
            setQuestion(null);
            pages.reload();
          }}
          onClose={() => setQuestion(null)}
        />
      )}
    </Page>
  );
}

/** The seconds of the clock, for what runs out. */
function useSecond(): number {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return nowMs;
}

interface WaitingOrderProps {
  order: Waiting;
  isSelected: boolean;
  nowMs: number;
  maker: string;
  isOwn: boolean;
  mayApprove: boolean;
  onSelect: () => void;
  onDecide: (approves: boolean) => void;
}

const CHECK_TONE: Record<Waiting["riskChecks"][number]["outcome"], Tone> = { PASSED: "ok", FAILED: "critical", SKIPPED: "ended" };

function WaitingOrder(props: WaitingOrderProps): JSX.Element {
  const { order, isSelected, nowMs, maker, isOwn, mayApprove, onSelect, onDecide } = props;
  const { instrument, account } = order;
  const left = secondsLeft(order, nowMs);
  const notional = notionalOf(order);
  const { quote } = instrument;
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- the focus within it selects it
    <li
      data-waiting={order.id}
      aria-current={isSelected ? "true" : undefined}
      onFocus={onSelect}
      className={`grid gap-x-6 gap-y-3 border-b border-l-2 border-b-line px-4 py-3 lg:grid-cols-[minmax(0,1.1fr)_minmax(0,1fr)_minmax(0,1fr)] ${isSelected ? "border-l-accent bg-raised" : "border-l-transparent"}`}
    >
      <div className="flex min-w-0 flex-col gap-2">
        <h2 className="flex flex-wrap items-baseline gap-x-2 text-[15px]">
          <span className={`font-semibold ${order.side === "BUY" ? "text-buy" : "text-sell"}`}>{formatEnum(order.side)}</span>
          <span>{formatDecimal(order.quantity)}</span>
          <SymbolLink symbol={instrument.symbol} />
          <span className="text-soft">{termsInWords(order)}</span>
        </h2>
        <div className="flex flex-wrap items-center gap-3">
          {left !== null && (
            <Status tone={left <= HURRY_S ? "critical" : "working"} label={left === 0 ? "Time is up" : `${leftInWords(left)} left`} />
          )}
          <span className="text-small text-faint">placed by {maker || "somebody"} at {formatTime(order.createdAt)}</span>
        </div>
        {mayApprove &&
          (isOwn ? (
            <p className="text-small text-faint">You placed it: another person decides.</p>
          ) : (
            <div className="flex gap-3">
              <Button kind="primary" onClick={() => onDecide(true)}>
                Approve
              </Button>
              <Button kind="danger" onClick={() => onDecide(false)}>
                Reject
              </Button>
            </div>
          ))}
      </div>
      <Facts
        label="Order"
        facts={[
          ["Why it waits", reasonsOf(order).join(" ")],
          ["Account", `${account.label ?? account.accountNumber} · ${modeOf(account)}`],
          ["Worth", notional === null ? "No price is known" : `${instrument.currency} ${formatDecimal(notional, { decimals: 2 })}`],
          ["Market", quote && `${quote.bid === null ? "–" : formatDecimal(quote.bid)} / ${quote.ask === null ? "–" : formatDecimal(quote.ask)}${quote.isStale ? ", stale" : ""}`],
          ["Time in force", order.timeInForce],
          ["Client order id", order.clientOrderId],
        ]}
      />
      <div className="min-w-0">
        <h3 className="mb-1 text-small text-faint">Risk, as it was placed</h3>
        {order.riskChecks.length === 0 ? (
          <p className="text-small text-faint">No limit was asked.</p>
        ) : (
          <ul className="flex flex-col text-small">
            {order.riskChecks.map((check) => (
              <li key={`${check.check} ${check.message}`} className="flex gap-2">
                <Status tone={CHECK_TONE[check.outcome]} label={formatEnum(check.check)} />
                <span className="min-w-0 truncate text-faint" title={check.message}>
                  {check.message}
                </span>
              </li>
            ))}
          </ul>
        )}
      </div>
    </li>
  );
}

function Decision({ question, onDone, onClose }: { question: Question; onDone: () => void; onClose: () => void }): JSX.Element {
  const { order, approves } = question;
  const words = `${formatEnum(order.side)} ${formatDecimal(order.quantity)} ${order.instrument.symbol} ${termsInWords(order)}`;
  return (
    <Confirm
      title={approves ? "Approve the order" : "Reject the order"}
      submit={approves ? "Approve" : "Reject"}
      busy={approves ? "Approving" : "Rejecting"}
      isDangerous={!approves}
      reason={approves ? "Remark" : "Why"}
      isReasonOptional={approves}
      act={(reason) => act(APPROVE, { input: { orderId: order.id, approve: approves, reason: reason || null } })}
      onDone={(payload) => {
        const state = payload.order?.state;
        if (approves && state === "REJECTED") toast("critical", "Risk refused the order at the prices of now.", payload.order?.rejectReason ?? undefined);
        else toast("ok", approves ? `Approved: ${words}.` : `Rejected: ${words}.`);
        onDone();
      }}
      onClose={onClose}
    >
      <p className="text-text">
        {words}, {order.account.label ?? order.account.accountNumber} ({modeOf(order.account)})
      </p>
      <p>{approves ? "Risk looks at it again; then it leaves." : "The order ends here."}</p>
    </Confirm>
  );
}
