/** The inbox of orders in doubt: what is known of each, and the two things that are safe to do. */
import { useState, type JSX } from "react";

import { act } from "../../shared/act/act";
import { Button } from "../../shared/controls/Button";
import { Confirm } from "../../shared/controls/Confirm";
import { Dialog } from "../../shared/controls/Dialog";
import { Differences } from "../../shared/controls/Differences";
import { Facts } from "../../shared/controls/Facts";
import { formatDecimal } from "../../shared/format/decimal";
import { formatEnum, formatTime } from "../../shared/format/time";
import { toast } from "../../shared/overlay/toasts";
import { Answered, Section } from "../../shared/query/Answered";
import { More } from "../../shared/query/More";
import type { Pages } from "../../shared/query/usePages";
import { useMay } from "../../shared/session/viewer";
import { Table, type Column } from "../../shared/table/Table";
import { Words } from "../../shared/table/Words";
import { ASK_ABOUT_ORDER, DECLARE_ORDER_DEAD, type Doubt } from "./documents";
import { orderInWords } from "./words";

const STALE_MS = 45_000;

export function DoubtsTab({ pages }: { pages: Pages<Doubt> }): JSX.Element {
  const mayAsk = useMay("MODIFY_ORDERS");
  const mayDeclare = useMay("MANAGE_BROKERS");
  const [looking, setLooking] = useState<Doubt | null>(null);
  const [ending, setEnding] = useState<Doubt | null>(null);
  const [asking, setAsking] = useState<string | null>(null);

  async function ask(doubt: Doubt): Promise<void> {
    setAsking(doubt.order.id);
    const outcome = await act(ASK_ABOUT_ORDER, { input: { orderId: doubt.order.id } });
    setAsking(null);
    if (outcome.ok) {
      const order = outcome.payload.order;
      const words = order?.inDoubt ? "The broker was asked; the order is still in doubt." : `The order is known again: ${formatEnum(order?.state ?? "")}.`;
      toast(order?.inDoubt ? "warn" : "ok", words);
    } else if (outcome.words) toast("critical", outcome.words);
    pages.reload();
  }

  return (
    <Section
      title="Orders in doubt"
      about="Nobody knows what the broker holds of these. The broker is asked every two seconds: what stays here waits for a person. No order is ever sent again."
      answer={pages}
      staleMs={STALE_MS}
      isTable
    >
      <Answered
        answer={pages}
        what="the orders in doubt"
        empty={({ rows }) => (rows.length === 0 ? { title: "No order is in doubt.", words: "The state of every order is known." } : null)}
      >
        {({ rows }) => (
          <>
            <Table label="Orders in doubt" columns={doubtColumns({ asking, ...(mayAsk ? { onAsk: (doubt) => void ask(doubt) } : {}), ...(mayDeclare ? { onEnd: setEnding } : {}), onLook: setLooking })} rows={rows} rowKey={(row) => row.order.id} />
            <More pages={pages} what="orders" />
          </>
        )}
      </Answered>
      {looking && <DoubtDialog doubt={looking} onClose={() => setLooking(null)} />}
      {ending && (
        <Confirm
          title="Declare the order dead"
          submit="Declare it dead"
          busy="Ending"
          isDangerous
          reason="How it is known"
          act={(reason) => act(DECLARE_ORDER_DEAD, { input: { orderId: ending.order.id, reason } })}
          onDone={() => {
            setEnding(null);
            pages.reload();
            toast("ok", "The order has ended. Should the broker tell of it after all, its fills are booked.");
          }}
          onClose={() => setEnding(null)}
        >
          <p>
            {orderInWords(ending.order)} ends here, because a complete look of the last five minutes did not find it at the broker.
            It is never sent again.
          </p>
        </Confirm>
      )}
    </Section>
  );
}

function DoubtDialog({ doubt, onClose }: { doubt: Doubt; onClose: () => void }): JSX.Element {
  const { order } = doubt;
  return (
    <Dialog title={orderInWords(order)} onClose={onClose} isWide>
      <Facts
        facts={[
          ["Account", order.account.accountNumber],
          ["Client order id", order.clientOrderId],
          ["Broker's id", order.brokerOrderId],
          ["Last known", formatEnum(order.state)],
          ["Dealt", `${formatDecimal(order.filledQuantity)} of ${formatDecimal(order.quantity)}`],
          ["Sent", doubt.routedAt && formatTime(doubt.routedAt)],
          ["Broker's last word", doubt.lastBrokerWord && `${doubt.lastBrokerWord}${doubt.lastBrokerWordAt ? `, ${formatTime(doubt.lastBrokerWordAt)}` : ""}`],
          ["In doubt since", doubt.doubtSince && formatTime(doubt.doubtSince)],
          ["Why", doubt.doubtReason],
          ["Complete looks without it", String(doubt.sweepsMissed)],
        ]}
      />
      <div>
        <h3 className="mb-1 text-small font-medium text-soft">What the broker said</h3>
        {doubt.brokerSays === null ? (
          <p className="text-small text-faint">Nothing yet, or it knows the order.</p>
        ) : (
          <Differences before={null} after={doubt.brokerSays} names={{ before: "", after: "The broker" }} />
        )}
      </div>
      <div>
        <Button onClick={onClose}>Close</Button>
      </div>
    </Dialog>
  );
}

interface DoubtActs {
  /** The id of the order that the broker is being asked about. */
  asking: string | null;
  onLook: (doubt: Doubt) => void;
  onAsk?: (doubt: Doubt) => void;
  onEnd?: (doubt: Doubt) => void;
}

function doubtColumns(acts: DoubtActs): Column<Doubt>[] {
  return [
    {
      key: "order",
      header: "Order",
      cell: (row) => (
        <button type="button" onClick={() => acts.onLook(row)} className="text-accent underline-offset-2 hover:underline">
          {orderInWords(row.order)}
        </button>
      ),
    },
    { key: "account", header: "Account", cell: (row) => row.order.account.accountNumber, className: "max-sm:hidden" },
    { key: "state", header: "Last known", cell: (row) => formatEnum(row.order.state), className: "max-md:hidden" },
    { key: "why", header: "Why", cell: (row) => <Words>{row.doubtReason}</Words>, className: "max-md:hidden" },
    { key: "since", header: "Since", cell: (row) => (row.doubtSince === null ? "" : formatTime(row.doubtSince)) },
    { key: "missed", header: "Looks without it", isNumber: true, cell: (row) => row.sweepsMissed, className: "max-md:hidden" },
    {
      key: "act",
      header: "",
      isNumber: true,
      cell: (row) => (
        <span className="inline-flex gap-3">
          {acts.onAsk && (
            <Button kind="word" disabled={acts.asking !== null} onClick={() => acts.onAsk?.(row)}>
              {acts.asking === row.order.id ? "Asking" : "Ask again"}
            </Button>
          )}
          {acts.onEnd && row.missing !== null && (
            <Button kind="dangerWord" onClick={() => acts.onEnd?.(row)}>
              Declare dead
            </Button>
          )}
        </span>
      ),
    },
  ];
}
