/** Orders that were placed outside, in TWS by hand or by another client, and taking them on. */
import { useState, type JSX } from "react";

import { act } from "../../shared/act/act";
import { Button } from "../../shared/controls/Button";
import { Dialog } from "../../shared/controls/Dialog";
import { Facts } from "../../shared/controls/Facts";
import { ActForm, AreaField, TextField, textOf, textOrNull } from "../../shared/controls/Form";
import { formatDecimal } from "../../shared/format/decimal";
import { formatEnum, formatTime } from "../../shared/format/time";
import { toast } from "../../shared/overlay/toasts";
import { Answered, Section } from "../../shared/query/Answered";
import { More } from "../../shared/query/More";
import { useAnswer } from "../../shared/query/useAnswer";
import { pageOfConnection, usePages } from "../../shared/query/usePages";
import { useMay } from "../../shared/session/viewer";
import { Table, type Column } from "../../shared/table/Table";
import { AccountFilter, numberOf, useAccountFilter } from "./AccountFilter";
import { BREAKS, CLAIM_ORDER, EXTERNAL_ORDER, type Account, type Break } from "./documents";
import { ageInWords, orderInWords } from "./words";

const PAGE = 50;
const LOOK_EVERY_MS = 10_000;

export function ExternalTab({ accounts }: { accounts: readonly Account[] }): JSX.Element {
  const accountId = useAccountFilter();
  const pages = usePages(
    BREAKS,
    { accountId, isOpen: true, kinds: ["EXTERNAL_ORDER"], first: PAGE },
    { pageOf: (data) => pageOfConnection(data.reconciliationBreaks), everyMs: LOOK_EVERY_MS },
  );
  const mayClaim = useMay("MODIFY_ORDERS");
  const [claiming, setClaiming] = useState<Break | null>(null);
  return (
    <Section
      title="External orders"
      about="They count in positions and limits and are watched to their end. Claim one to put it under your name; where the broker lets this session change it, it is managed from here."
      answer={pages}
      staleMs={3 * LOOK_EVERY_MS}
      isTable
      actions={<AccountFilter accounts={accounts} />}
    >
      <Answered
        answer={pages}
        what="the orders of others"
        empty={({ rows }) =>
          rows.length === 0 ? { title: "No order of others works in these accounts.", words: "One that is entered in TWS shows up within ten seconds." } : null
        }
      >
        {({ rows }) => (
          <>
            <Table label="External orders" columns={externalColumns(accounts, mayClaim, setClaiming)} rows={rows} rowKey={(row) => row.id} />
            <More pages={pages} what="orders" />
          </>
        )}
      </Answered>
      {claiming?.orderId && (
        <ClaimDialog
          orderId={claiming.orderId}
          onDone={() => {
            setClaiming(null);
            pages.reload();
          }}
          onClose={() => setClaiming(null)}
        />
      )}
    </Section>
  );
}

function OrderTerms({ id }: { id: string }): JSX.Element {
  const { data, failure } = useAnswer(EXTERNAL_ORDER, { id });
  return <>{data?.order ? orderInWords(data.order) : (failure ?? "")}</>;
}

function ClaimDialog({ orderId, onDone, onClose }: { orderId: string; onDone: () => void; onClose: () => void }): JSX.Element {
  const answer = useAnswer(EXTERNAL_ORDER, { id: orderId });
  return (
    <Dialog title="Claim the order" onClose={onClose} isWide>
      <Answered answer={answer} what="the order" empty={({ order }) => (order === null ? { title: "The order is not there." } : null)}>
        {({ order }) =>
          order && (
            <>
              <Facts
                facts={[
                  ["Order", orderInWords(order)],
                  ["State", formatEnum(order.state)],
                  ["Dealt", `${formatDecimal(order.filledQuantity)} of ${formatDecimal(order.quantity)}`],
                  ["Time in force", order.timeInForce],
                  ["Broker's id", order.brokerOrderId],
                  ["Permanent id", order.permanentId],
                  ["Came", formatTime(order.createdAt)],
                ]}
              />
              <ActForm
                submit="Claim"
                busy="Claiming"
                act={(form) => {
                  const strategy = textOrNull(form, "strategy");
                  return act(CLAIM_ORDER, {
                    input: { orderId, note: textOf(form, "note"), ...(strategy === null ? {} : { metadata: { strategy } }) },
                  });
                }}
                onDone={(payload) => {
                  onDone();
                  if (payload.isManaged) toast("ok", "The order is yours: cancel and modify it from here.");
                  else toast("warn", "The order is under your name, but is changed where it was placed.", payload.unmanagedBecause ?? undefined);
                }}
                onCancel={onClose}
              >
                <AreaField name="note" label="Why" maxLength={500} hint="It is kept with the order" isFirst />
                <TextField name="strategy" label="Strategy that it belongs to" isOptional />
              </ActForm>
            </>
          )
        }
      </Answered>
    </Dialog>
  );
}

function externalColumns(accounts: readonly Account[], mayClaim: boolean, onClaim: (one: Break) => void): Column<Break>[] {
  return [
    { key: "order", header: "Order", cell: (row) => (row.orderId === null ? "" : <OrderTerms id={row.orderId} />) },
    { key: "account", header: "Account", cell: (row) => numberOf(accounts, row.accountId) },
    { key: "found", header: "Found", cell: (row) => formatTime(row.foundAt), className: "max-sm:hidden" },
    { key: "age", header: "Age", isNumber: true, cell: (row) => ageInWords(row.ageSeconds), className: "max-sm:hidden" },
    {
      key: "act",
      header: "",
      isNumber: true,
      cell: (row) =>
        mayClaim && row.orderId !== null ? (
          <Button kind="word" onClick={() => onClaim(row)}>
            Claim
          </Button>
        ) : null,
    },
  ];
}
