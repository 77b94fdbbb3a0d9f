/** A new limit, or the whole of what one is to be from now on. */
import { useState, type JSX } from "react";

import { act, refusedAt, type Outcome } from "../../../shared/act/act";
import { Dialog } from "../../../shared/controls/Dialog";
import { ActForm, CheckField, SelectField, TextField, textOf } from "../../../shared/controls/Form";
import { findInstrument } from "../../../shared/instrument/find";
import { accountName, useAccounts } from "../../../shared/session/accounts";
import { SET_LIMIT, type Limit, type LimitType } from "../documents";
import { KINDS, LIMIT_TYPES, percentOf, takesCurrency, valueLabel } from "../words";
import { ConditionFields } from "./ConditionFields";
import { atControls, conditionsFrom, keptFor, readConditions, type Conditions } from "./conditions";
import { OWN_ZONE } from "./HoursField";
import { localOf, readLimit, typeOf } from "./limitInput";

interface LimitDialogProps {
  limit: Limit | null;
  onDone: (words: string, isProposed: boolean) => void;
  onClose: () => void;
}

export function LimitDialog({ limit, onDone, onClose }: LimitDialogProps): JSX.Element {
  const accounts = useAccounts();
  const [type, setType] = useState<LimitType>(limit?.limitType ?? "MAX_ORDER_NOTIONAL");
  const value = valueLabel(type);
  const [conditions, setConditions] = useState<Conditions>(() => conditionsFrom(limit?.conditions));
  const [broken, setBroken] = useState<string | null>(null);

  function become(next: LimitType): void {
    setType(next);
    setConditions(keptFor(next, type, conditions));
  }

  return (
    <Dialog title={limit ? `Change: ${KINDS[type].label}` : "New limit"} onClose={onClose} isWide>
      <ActForm
        submit="Save"
        busy="Saving"
        act={send}
        onDone={(payload) => onDone(payload.proposal ? "It waits for a second person" : "The limit counts from now on", payload.proposal !== null)}
        onCancel={onClose}
      >
        {!limit && (
          <>
            <SelectField
              name="limitType"
              label="What it holds"
              value={type}
              onChange={(next) => become(typeOf(next))}
              hint={KINDS[type].asks}
              choices={LIMIT_TYPES.map((each) => ({ value: each, label: KINDS[each].label }))}
            />
            <div className="grid gap-3 sm:grid-cols-2">
              <SelectField
                name="accountId"
                label="Account"
                choices={[{ value: "", label: "Every account" }, ...accounts.map((each) => ({ value: each.id, label: accountName(each) }))]}
              />
              <TextField name="instrument" label="Instrument" hint="A symbol; nothing for every one" isOptional />
            </div>
          </>
        )}
        {limit && <p className="text-small text-soft">{KINDS[type].asks}</p>}
        {(value !== null || takesCurrency(type)) && (
          <div className="grid gap-3 sm:grid-cols-2">
            {value !== null && <TextField name="value" label={value} inputMode="decimal" defaultValue={limit?.value ?? ""} isFirst={limit !== null} />}
            {takesCurrency(type) && <TextField name="currency" label="Currency" defaultValue={limit ? (limit.currency ?? "") : type === "MAX_DRAWDOWN" ? "" : "USD"} maxLength={3} isOptional />}
          </div>
        )}
        <ConditionFields type={type} conditions={conditions} onChange={setConditions} broken={broken} onBreak={setBroken} />
        <div className="grid gap-3 sm:grid-cols-3">
          {value !== null && (
            <TextField name="warnAt" label="Warn at, percent of it" inputMode="decimal" placeholder="80" hint="Nothing for 80" defaultValue={percentOf(limit?.warnAt ?? null)} isOptional />
          )}
          <TextField name="effectiveFrom" label="Holds from" type="datetime-local" hint={`By the clock of ${OWN_ZONE}`} defaultValue={localOf(limit?.effectiveFrom ?? null)} isOptional />
          <TextField name="effectiveUntil" label="Until" type="datetime-local" hint="Nothing for always" defaultValue={localOf(limit?.effectiveUntil ?? null)} isOptional />
        </div>
        <div className="flex flex-wrap gap-x-6">
          <CheckField name="isActive" label="On" defaultChecked={limit?.isActive ?? true} />
          <CheckField name="isShadow" label="Shadow: recorded beside the others, refuses nothing" defaultChecked={limit?.isShadow ?? false} />
        </div>
        <TextField name="reason" label="Why" maxLength={500} isOptional hint="It is kept with the version. What loosens a limit waits for a second person." />
      </ActForm>
    </Dialog>
  );

  async function send(form: FormData): Promise<Outcome<{ proposal: { id: string } | null }>> {
    const written = broken === null ? null : readConditions(broken);
    if (written !== null && "problem" in written) return refusedAt("conditions", written.problem);
    const symbol = limit ? "" : textOf(form, "instrument");
    const found = symbol === "" ? null : await findInstrument(symbol);
    if (found && "problem" in found) return refusedAt("instrument", found.problem);
    const read = readLimit(form, conditions, limit, found?.id ?? null);
    if ("problem" in read) return refusedAt(read.field, read.problem);
    const outcome = await act(SET_LIMIT, { input: read.input });
    return outcome.ok ? outcome : { ...outcome, complaints: atControls(outcome.complaints, type) };
  }
}
