/** A new limit, or the whole of what one is to be from now on. */
import { useState, type JSX } from "react";

import { act, type Outcome } from "../../../shared/act/act";
import { Dialog } from "../../../shared/controls/Dialog";
import { ActForm, AreaField, CheckField, SelectField, TextField, textOf } from "../../../shared/controls/Form";
import { findInstrument } from "../../../shared/instrument/find";
import { accountName, useAccounts } from "../../../shared/session/accounts";
import { SET_LIMIT, type Limit, type LimitType } from "../documents";
import { KINDS, LIMIT_TYPES, takesCurrency, valueLabel } from "../words";
import { localOf, readLimit, typeOf } from "./limitInput";

interface LimitDialogProps {
  limit: Limit | null;
  onDone: (words: string, isProposed: boolean) => void;
  onClose: () => void;
}

const HAS_SYMBOLS: ReadonlySet<LimitType> = new Set(["SYMBOL_WHITELIST", "SYMBOL_BLACKLIST"]);

export function LimitDialog({ limit, onDone, onClose }: LimitDialogProps): JSX.Element {
  const accounts = useAccounts();
  const [type, setType] = useState<LimitType>(limit?.limitType ?? "MAX_ORDER_NOTIONAL");
  const value = valueLabel(type);
  const conditions = limit ? withoutSymbols(limit.conditions, type) : "";

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
              onChange={(next) => setType(typeOf(next))}
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
        {HAS_SYMBOLS.has(type) && <AreaField name="symbols" label="Symbols" hint="Apart by commas or spaces" defaultValue={symbolsIn(limit?.conditions).join(", ")} />}
        <AreaField
          name="conditions"
          label="Conditions"
          hint='A JSON object; nothing for none. Such as {"sides": ["BUY"], "reducing": "PASS"}'
          defaultValue={conditions}
          isOptional
        />
        <div className="grid gap-3 sm:grid-cols-3">
          <TextField name="warnAt" label="Warn at this part" inputMode="decimal" placeholder="0.8" defaultValue={limit?.warnAt ?? ""} isOptional />
          <TextField name="effectiveFrom" label="Holds from" type="datetime-local" defaultValue={localOf(limit?.effectiveFrom ?? null)} isOptional />
          <TextField name="effectiveUntil" label="Until" type="datetime-local" defaultValue={localOf(limit?.effectiveUntil ?? null)} isOptional />
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
    const symbol = limit ? "" : textOf(form, "instrument");
    const found = symbol === "" ? null : await findInstrument(symbol);
    if (found && "problem" in found) return complaint("instrument", found.problem);
    const read = readLimit(form, limit, found?.id ?? null);
    return "problem" in read ? complaint("conditions", read.problem) : await act(SET_LIMIT, { input: read.input });
  }
}

function complaint<Payload>(field: string, message: string): Outcome<Payload> {
  return { ok: false, words: message, code: null, complaints: [{ code: "", message, path: [field] }] };
}

function symbolsIn(conditions: unknown): string[] {
  if (typeof conditions !== "object" || conditions === null || !("symbols" in conditions)) return [];
  return Array.isArray(conditions.symbols) ? conditions.symbols.map(String) : [];
}

/** The conditions as text; lists of symbols have a field of their own. */
function withoutSymbols(conditions: unknown, type: LimitType): string {
  if (typeof conditions !== "object" || conditions === null) return "";
  const shown = Object.entries(conditions).filter(([key]) => !(HAS_SYMBOLS.has(type) && key === "symbols"));
  return shown.length === 0 ? "" : JSON.stringify(Object.fromEntries(shown));
}
