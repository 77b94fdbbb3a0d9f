import { useEffect, useId, useRef, useState, type JSX } from "react";

import { decimalsOf, formatDecimal } from "../../shared/format/decimal";
import { accountName, modeOf, MODES } from "../../shared/session/accounts";
import type { DeskAccount } from "../../shared/session/documents";
import { hasLimit, hasStop, hasTrail, ORDER_TYPES, validities, type Draft, type OrderType, type Problems, type TimeInForce } from "./draft";
import { NumberField } from "./NumberField";
import { useSuggestions, type Known } from "./useInstrument";

interface TicketFieldsProps {
  draft: Draft;
  accounts: readonly DeskAccount[];
  /** False for an account that one may only view: it is shown with the reason, and cannot be chosen. */
  isTradable: (accountId: string) => boolean;
  known: Known;
  problems: Problems;
  onChange: (patch: Partial<Draft>) => void;
}

export function TicketFields({ draft, accounts, isTradable, known, problems, onChange }: TicketFieldsProps): JSX.Element {
  const { instrument, market } = known;
  const tick = instrument?.tickSize ?? "0.01";
  const near = draft.side === "BUY" ? (market?.ask ?? market?.last) : (market?.bid ?? market?.last);
  const start = near === null || near === undefined ? null : near;
  const [hasMore, setHasMore] = useState(draft.takeProfit !== "" || draft.stopLoss !== "");

  return (
    <div className="flex flex-col gap-2 px-4 pt-2">
      <AccountField draft={draft} accounts={accounts} isTradable={isTradable} problem={problems.accountId} onChange={onChange} />
      <SymbolField draft={draft} known={known} problem={problems.symbol} onChange={onChange} />
      <div role="group" aria-label="Side" className="grid grid-cols-2">
        {(["BUY", "SELL"] as const).map((side) => (
          <button
            key={side}
            type="button"
            aria-pressed={draft.side === side}
            className={`control justify-center rounded-none font-medium first:rounded-l last:-ml-px last:rounded-r ${draft.side === side ? side.toLowerCase() : ""}`}
            onClick={() => onChange({ side })}
          >
            {side === "BUY" ? "Buy" : "Sell"}
          </button>
        ))}
      </div>
      <div className="flex gap-2">
        <Choice
          label="Type"
          value={draft.orderType}
          options={ORDER_TYPES}
          onChange={(next) => {
            const orderType = next as OrderType;
            onChange({ orderType, ...(validities(orderType).includes(draft.timeInForce) ? {} : { timeInForce: "DAY" as const }) });
          }}
        />
        <Choice
          label="Valid"
          value={draft.timeInForce}
          options={validities(draft.orderType).map((each) => [each, each] as const)}
          onChange={(next) => onChange({ timeInForce: next as TimeInForce })}
        />
      </div>
      <div className="flex flex-wrap gap-2">
        <NumberField
          label="Quantity"
          hint="1k"
          value={draft.quantity}
          step={instrument?.lotSize ?? "1"}
          start={instrument?.lotSize}
          isInvalid={problems.quantity !== undefined}
          onChange={(quantity) => onChange({ quantity })}
        />
        {hasStop(draft.orderType) && (
          <NumberField label="Stop" value={draft.stopPrice} step={tick} start={start} isInvalid={problems.stopPrice !== undefined} onChange={(stopPrice) => onChange({ stopPrice })} />
        )}
        {hasLimit(draft.orderType) && (
          <NumberField label="Limit" value={draft.limitPrice} step={tick} start={start} isInvalid={problems.limitPrice !== undefined} onChange={(limitPrice) => onChange({ limitPrice })} />
        )}
        {hasTrail(draft.orderType) && (
          <NumberField
            label="Trail"
            value={draft.trailingAmount}
            step={tick}
            start={tick}
            isInvalid={problems.trailingAmount !== undefined}
            onChange={(trailingAmount) => onChange({ trailingAmount })}
          />
        )}
      </div>
      {market && (
        <div className="flex gap-2 text-small">
          {(["bid", "ask", "last"] as const).map((name) => {
            const value = market[name];
            return (
              <button
                key={name}
                type="button"
                className="flex flex-1 items-baseline justify-between gap-2 rounded border border-line px-2 py-0.5 hover:bg-raised disabled:opacity-50"
                disabled={value === null}
                title={`Take the ${name} as the price`}
                onClick={() => {
                  if (value === null) return;
                  if (hasLimit(draft.orderType)) onChange({ limitPrice: value });
                  else if (hasStop(draft.orderType)) onChange({ stopPrice: value });
                }}
              >
                <span className="text-faint">{name}</span>
                <span>{value === null ? "–" : formatDecimal(value, { decimals: decimalsOf(tick) })}</span>
              </button>
            );
          })}
        </div>
      )}
      {draft.timeInForce === "GTD" && (
        <label className="block">
          <span className="block text-micro text-faint">Until</span>
          <input
            type="datetime-local"
            className="input w-full"
            aria-invalid={problems.expiresAt !== undefined}
            value={draft.expiresAt}
            onChange={(event) => onChange({ expiresAt: event.target.value })}
          />
        </label>
      )}
      <button type="button" aria-expanded={hasMore} className="self-start text-small text-soft hover:text-text" onClick={() => setHasMore(!hasMore)}>
        {hasMore ? "Fewer terms" : "Exits and more terms"}
      </button>
      {hasMore && (
        <>
          <div className="flex gap-2">
            <NumberField label="Take profit" value={draft.takeProfit} step={tick} start={start} isInvalid={problems.takeProfit !== undefined} onChange={(takeProfit) => onChange({ takeProfit })} />
            <NumberField label="Stop loss" value={draft.stopLoss} step={tick} start={start} isInvalid={problems.stopLoss !== undefined} onChange={(stopLoss) => onChange({ stopLoss })} />
          </div>
          <Flag label="Outside regular hours too" isOn={draft.outsideRegularHours} onChange={(outsideRegularHours) => onChange({ outsideRegularHours })} />
          {draft.orderType === "LIMIT" && <Flag label="Post only" isOn={draft.postOnly} onChange={(postOnly) => onChange({ postOnly })} />}
          <Flag label="Stage it: it waits here for its release" isOn={draft.staged} onChange={(staged) => onChange({ staged })} />
        </>
      )}
      {Object.keys(problems).length > 0 && (
        <ul role="alert" className="text-small text-critical">
          {Object.entries(problems).map(([field, problem]) => (
            <li key={field}>
              {FIELD_NAMES[field] ?? field}: {problem}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

const FIELD_NAMES: Readonly<Record<string, string>> = {
  accountId: "Account",
  symbol: "Symbol",
  quantity: "Quantity",
  limitPrice: "Limit",
  stopPrice: "Stop",
  trailingAmount: "Trail",
  expiresAt: "Until",
  takeProfit: "Take profit",
  stopLoss: "Stop loss",
};

interface FieldProps {
  draft: Draft;
  problem: string | undefined;
  onChange: (patch: Partial<Draft>) => void;
}

function AccountField({ draft, accounts, isTradable, problem, onChange }: FieldProps & Pick<TicketFieldsProps, "accounts" | "isTradable">): JSX.Element {
  const id = useId();
  return (
    <div>
      <label htmlFor={id} className="block text-micro text-faint">
        Account
      </label>
      <select id={id} className="input w-full" aria-invalid={problem !== undefined} value={draft.accountId} onChange={(event) => onChange({ accountId: event.target.value })}>
        {MODES.map((mode) => {
          const own = accounts.filter((account) => modeOf(account) === mode);
          return own.length === 0 ? null : (
            <optgroup key={mode} label={mode}>
              {own.map((account) => (
                <option key={account.id} value={account.id} disabled={!isTradable(account.id)}>
                  {accountName(account)} {mode}
                  {isTradable(account.id) ? "" : ", to view only"}
                </option>
              ))}
            </optgroup>
          );
        })}
      </select>
      {accounts.length > 0 && !accounts.some((account) => isTradable(account.id)) && (
        <p role="alert" className="pt-1 text-small text-warn">
          You may view these accounts, not trade on them.
        </p>
      )}
    </div>
  );
}

function SymbolField({ draft, known, problem, onChange }: FieldProps & { known: Known }): JSX.Element {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const suggestions = useSuggestions(draft.symbol);
  // The ticket was asked for to type into it: the symbol first, the quantity where that is known.
  const [isFirst] = useState(draft.symbol === "");
  useEffect(() => {
    if (isFirst) input.current?.focus();
  }, [isFirst]);
  return (
    <div>
      <label htmlFor={id} className="block text-micro text-faint">
        Symbol
      </label>
      <input
        ref={input}
        id={id}
        list={`${id}-list`}
        className="input w-full font-medium"
        autoComplete="off"
        spellCheck={false}
        aria-invalid={problem !== undefined}
        aria-describedby={`${id}-name`}
        value={draft.symbol}
        onChange={(event) => onChange({ symbol: event.target.value.toUpperCase() })}
      />
      <datalist id={`${id}-list`}>
        {suggestions.map(({ symbol, name }) => (
          <option key={symbol} value={symbol}>
            {name}
          </option>
        ))}
      </datalist>
      <p id={`${id}-name`} className="min-h-4 truncate text-micro text-faint">
        {known.instrument
          ? `${known.instrument.name} · ${known.instrument.exchange} · ${known.instrument.currency}`
          : known.isLooking
            ? "Looking it up"
            : draft.symbol === ""
              ? ""
              : "No instrument of the firm has this symbol."}
      </p>
    </div>
  );
}

interface ChoiceProps {
  label: string;
  value: string;
  options: readonly (readonly [string, string])[];
  onChange: (next: string) => void;
}

function Choice({ label, value, options, onChange }: ChoiceProps): JSX.Element {
  const id = useId();
  return (
    <div className="flex-1">
      <label htmlFor={id} className="block text-micro text-faint">
        {label}
      </label>
      <select id={id} className="input w-full" value={value} onChange={(event) => onChange(event.target.value)}>
        {options.map(([each, text]) => (
          <option key={each} value={each}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}

function Flag({ label, isOn, onChange }: { label: string; isOn: boolean; onChange: (next: boolean) => void }): JSX.Element {
  return (
    <label className="flex items-center gap-2 text-soft">
      <input type="checkbox" checked={isOn} onChange={(event) => onChange(event.target.checked)} />
      {label}
    </label>
  );
}
