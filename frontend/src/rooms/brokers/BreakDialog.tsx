/** One break: the evidence of both sides, what may be done about it, and the adjustment that was booked for it. */
import { useState, type JSX } from "react";

import { act } from "../../shared/act/act";
import { Button } from "../../shared/controls/Button";
import { Dialog } from "../../shared/controls/Dialog";
import { Differences } from "../../shared/controls/Differences";
import { Facts } from "../../shared/controls/Facts";
import { ActForm, AreaField, SelectField, TextField, textOf, textOrNull } from "../../shared/controls/Form";
import { formatDecimal } from "../../shared/format/decimal";
import { formatTime } from "../../shared/format/time";
import type { VariablesOf } from "../../shared/graphql/document";
import { toast } from "../../shared/overlay/toasts";
import { useAnswer } from "../../shared/query/useAnswer";
import { useMay } from "../../shared/session/viewer";
import { Status } from "../../shared/table/Status";
import { differenceOf } from "./BreaksTab";
import { ADJUST_POSITION, ADJUSTMENT, RESOLVE_BREAK, type Break } from "./documents";
import { actionInWords, ageInWords, breakState, kindInWords, SEVERITY } from "./words";

type Action = Break["actions"][number];
type AdjustmentType = VariablesOf<typeof ADJUST_POSITION>["input"]["type"];

interface BreakDialogProps {
  one: Break;
  account: string;
  onChanged: () => void;
  onClose: () => void;
}

export function BreakDialog({ one, account, onChanged, onClose }: BreakDialogProps): JSX.Element {
  const mayResolve = useMay("MANAGE_BROKERS");
  const { label, advice } = kindInWords(one.kind);
  const instrument = one.instrument;
  return (
    <Dialog title={instrument ? `${label}: ${instrument.symbol}` : label} onClose={onClose} isWide>
      {advice !== "" && <p className="text-body text-soft">{advice}</p>}
      <Facts
        facts={[
          ["State", <Status key="state" {...breakState(one)} />],
          ["Severity", <Status key="severity" {...SEVERITY[one.severity]} />],
          ["Account", account],
          ["Difference", differenceOf(one) && `${differenceOf(one)}, the broker's less ours`],
          ["Trading", one.isFreezing && "New orders that would add risk are refused until it ends"],
          ["Found", `${formatTime(one.foundAt)}, by ${one.looks} ${one.looks === 1 ? "look" : "looks"}, ${ageInWords(one.ageSeconds)} ago`],
          ["Broker said so", formatTime(one.snapshotAt)],
          ["Ended", one.endedAt && formatTime(one.endedAt)],
          ["By", one.resolvedBy],
          ["Reason", one.reason],
        ]}
      />
      <Differences before={one.ours} after={one.broker} areAccounts names={{ before: "Our books", after: "The broker" }} />
      {one.adjustmentId !== null && <Adjustment id={one.adjustmentId} />}
      {one.actions.length > 0 &&
        (mayResolve ? (
          <Resolve one={one} onChanged={onChanged} onClose={onClose} />
        ) : (
          <p className="text-small text-faint">Who manages brokers can resolve it.</p>
        ))}
      {one.state === "OPEN" && mayResolve && instrument && one.kind === "POSITION_QUANTITY" && (
        <KnownCause one={one} onChanged={onChanged} onClose={onClose} />
      )}
      <div>
        <Button onClick={onClose}>Close</Button>
      </div>
    </Dialog>
  );
}

function Resolve({ one, onChanged, onClose }: Omit<BreakDialogProps, "account">): JSX.Element {
  const [action, setAction] = useState<Action>(one.actions[0] ?? "IGNORE");
  return (
    <section aria-label="Resolve" className="border-t border-line pt-3">
      <ActForm
        submit="Resolve"
        busy="Resolving"
        act={(form) => act(RESOLVE_BREAK, { input: { breakId: one.id, action, reason: textOf(form, "reason") } })}
        onDone={() => {
          onChanged();
          onClose();
          toast("ok", `The break is resolved: ${actionInWords(action, one.kind).label.toLowerCase()}.`);
        }}
      >
        <SelectField
          name="action"
          label="What to do"
          value={action}
          onChange={(value) => setAction(value as Action)}
          hint={actionInWords(action, one.kind).meaning}
          choices={one.actions.map((each) => ({ value: each, label: actionInWords(each, one.kind).label }))}
        />
        <AreaField name="reason" label="Why" hint="It is kept with it, and audited" maxLength={500} />
      </ActForm>
    </section>
  );
}

const CAUSES: readonly { value: AdjustmentType; label: string; needs: "price" | "ratio" | "none" }[] = [
  { value: "ASSIGNMENT", label: "A short option was assigned", needs: "price" },
  { value: "EXERCISE", label: "A long option was exercised", needs: "price" },
  { value: "TRANSFER", label: "Units came in or left", needs: "price" },
  { value: "SPLIT", label: "A split", needs: "ratio" },
  { value: "EXPIRY", label: "It expired", needs: "none" },
];

/** Books a cause that is known as what it is; the break vanishes at the next look. */
function KnownCause({ one, onChanged, onClose }: Omit<BreakDialogProps, "account">): JSX.Element {
  const [isOpen, setIsOpen] = useState(false);
  const [type, setType] = useState<AdjustmentType>("ASSIGNMENT");
  // One key for this dialog: pressing twice books once.
  const [key] = useState(() => crypto.randomUUID());
  const needs = CAUSES.find((cause) => cause.value === type)?.needs ?? "none";
  if (!isOpen) {
    return (
      <div>
        <Button kind="word" onClick={() => setIsOpen(true)}>
          Book a known cause instead
        </Button>
      </div>
    );
  }
  return (
    <section aria-label="Book a known cause" className="border-t border-line pt-3">
      <ActForm
        submit="Book"
        busy="Booking"
        kind="plain"
        act={(form) =>
          act(ADJUST_POSITION, {
            input: {
              accountId: one.accountId,
              instrumentId: one.instrument?.id ?? "",
              type,
              quantity: needs === "ratio" ? null : textOrNull(form, "quantity"),
              price: textOrNull(form, "price"),
              ratio: textOrNull(form, "ratio"),
              reason: textOf(form, "cause"),
              idempotencyKey: key,
            },
          })
        }
        onDone={() => {
          onChanged();
          onClose();
          toast("ok", "The cause is booked. The break vanishes when the next look agrees.");
        }}
        onCancel={() => setIsOpen(false)}
      >
        <SelectField name="type" label="What happened" value={type} onChange={(value) => setType(value as AdjustmentType)} choices={CAUSES} />
        <div className="grid gap-3 sm:grid-cols-2">
          {needs === "ratio" ? (
            <TextField name="ratio" label="New units for an old one" inputMode="decimal" />
          ) : (
            <TextField name="quantity" label="Change of the position, signed" inputMode="text" defaultValue={one.difference} />
          )}
          {needs === "price" && <TextField name="price" label="At price" inputMode="decimal" hint={one.instrument?.currency} isOptional />}
        </div>
        <AreaField name="cause" label="Why" maxLength={500} />
      </ActForm>
    </section>
  );
}

function Adjustment({ id }: { id: string }): JSX.Element | null {
  const { data, failure } = useAnswer(ADJUSTMENT, { id });
  const entry = data?.node;
  if (failure !== null) return <p className="text-small text-critical">{failure}</p>;
  if (entry?.kind !== "PositionAdjustment") return null;
  return (
    <section aria-label="Adjusting entry" className="border-t border-line pt-3">
      <h3 className="mb-2 text-small font-medium text-soft">Adjusting entry</h3>
      <Facts
        facts={[
          ["Type", entry.type],
          ["Position", `${formatDecimal(entry.quantityBefore)} to ${formatDecimal(entry.quantityAfter)}`],
          ["Average price", `${formatDecimal(entry.averagePriceBefore)} to ${formatDecimal(entry.averagePriceAfter)}`],
          ["Realized", formatDecimal(entry.realizedPnl, { signed: true })],
          ["Booked", `${formatTime(entry.recordedAt)} by ${entry.adjustedBy}`],
          ["Reason", entry.reason],
        ]}
      />
    </section>
  );
}
