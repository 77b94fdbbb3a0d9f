/** The conditions of a limit, each with a control of its own; the same document as JSON below them. */
import { useState, type JSX } from "react";

import { AreaField, CheckField, MarksField, SelectField, TextField, useComplaint } from "../../../shared/controls/Form";
import type { LimitType } from "../documents";
import { changed, choicesFor, conditionsOf, readConditions, symbolsOf, textsIn, unknownKeys, writeConditions, type Condition, type Conditions } from "./conditions";
import { HoursField } from "./HoursField";

interface ConditionFieldsProps {
  type: LimitType;
  conditions: Conditions;
  onChange: (next: Conditions) => void;
  /** The JSON as a person is writing it, while it is none; null otherwise. */
  broken: string | null;
  onBreak: (text: string | null) => void;
}

export function ConditionFields({ type, conditions, onChange, broken, onBreak }: ConditionFieldsProps): JSX.Element {
  return (
    <>
      {/* What is half written as JSON would be lost by a change elsewhere. */}
      <fieldset disabled={broken !== null} className="grid min-w-0 gap-3 sm:grid-cols-2">
        <legend className="sr-only">Conditions</legend>
        {conditionsOf(type).map((condition) => (
          <Control
            key={`${type} ${condition.key}`}
            condition={condition}
            value={conditions[condition.key]}
            onChange={(value) => onChange(changed(conditions, condition.key, value))}
          />
        ))}
      </fieldset>
      <JsonField type={type} conditions={conditions} onChange={onChange} broken={broken} onBreak={onBreak} />
    </>
  );
}

interface ControlProps<Kind extends Condition = Condition> {
  condition: Kind;
  value: unknown;
  /** Undefined where the condition is not to be said. */
  onChange: (value: unknown) => void;
}

function Control({ condition, value, onChange }: ControlProps): JSX.Element {
  const { key: name, label, hint } = condition;
  const told = { name, label, ...(hint === undefined ? {} : { hint }) };
  switch (condition.kind) {
    case "symbols":
      return <SymbolsField condition={condition} value={value} onChange={onChange} />;
    case "times":
      return <HoursField name={name} label={label} hint={hint} value={value} onChange={onChange} />;
    case "flag":
      return (
        <div className="self-center">
          <CheckField name={name} label={label} isChecked={value === true} onChange={(isOn) => onChange(isOn || undefined)} />
        </div>
      );
    case "marks":
      return (
        <MarksField
          {...told}
          choices={marksFor(condition, value)}
          chosen={textsIn(value)}
          onChange={(chosen) => onChange(chosen.length === 0 ? undefined : chosen)}
        />
      );
    case "choice": {
      const chosen = value === undefined ? condition.usual : String(value);
      return (
        <SelectField
          {...told}
          choices={choicesFor(condition.options, chosen)}
          value={chosen}
          onChange={(next) => onChange(next === condition.usual ? undefined : next)}
        />
      );
    }
    case "whole":
      return (
        <TextField
          {...told}
          type="number"
          min={String(condition.least)}
          max={String(condition.most)}
          placeholder={condition.usual ?? ""}
          value={value === undefined ? "" : String(value)}
          onChange={(text) => onChange(text === "" ? undefined : Number(text))}
          isOptional
        />
      );
    case "percent":
      return (
        <TextField
          {...told}
          inputMode="decimal"
          placeholder={condition.usual}
          value={value === undefined ? "" : String(value)}
          onChange={(text) => onChange(text.trim() || undefined)}
          isOptional
        />
      );
  }
}

/** The options with what stands in the document beside them. */
function marksFor(condition: Extract<Condition, { kind: "marks" }>, value: unknown): { value: string; label: string }[] {
  return textsIn(value).reduce((choices, each) => choicesFor(choices.map((choice) => [choice.value, choice.label]), each), choicesOf(condition));
}

function choicesOf({ options }: { options: readonly (readonly [string, string])[] }): { value: string; label: string }[] {
  return options.map(([value, label]) => ({ value, label }));
}

function SymbolsField({ condition, value, onChange }: ControlProps<Extract<Condition, { kind: "symbols" }>>): JSX.Element {
  const held = textsIn(value);
  const [before] = useState(held);
  const [text, setText] = useState("");
  const written = symbolsOf(text, before);
  // What is typed stands as it is typed for as long as it says what the document says.
  const isSame = written.length === held.length && written.every((symbol, index) => symbol === held[index]);
  return (
    <AreaField
      name={condition.key}
      label={condition.label}
      {...(condition.hint === undefined ? {} : { hint: condition.hint })}
      className="sm:col-span-2"
      value={isSame ? text : held.join(", ")}
      onChange={(next) => {
        const symbols = symbolsOf(next, before);
        setText(next);
        onChange(symbols.length === 0 ? undefined : symbols);
      }}
      isOptional={condition.isRequired !== true}
    />
  );
}

function JsonField({ type, conditions, onChange, broken, onBreak }: ConditionFieldsProps): JSX.Element {
  const complaint = useComplaint("conditions");
  const [isOpen, setIsOpen] = useState(false);
  const [text, setText] = useState<string | null>(null);
  const kept = unknownKeys(type, conditions);
  const written = writeConditions(conditions);
  const typed = text === null ? null : readConditions(text);
  const isSame = typed !== null && "conditions" in typed && writeConditions(typed.conditions) === written;

  function write(next: string): void {
    const read = readConditions(next);
    setText(next);
    onBreak("problem" in read ? next : null);
    if ("conditions" in read) onChange(read.conditions);
  }

  return (
    <details
      open={isOpen || complaint !== null || broken !== null}
      onToggle={(event) => setIsOpen(event.currentTarget.open)}
      className="rounded-sm border border-line px-3 py-2"
    >
      <summary className="cursor-pointer text-small text-soft">
        Conditions as JSON
        {kept.length > 0 && <span className="text-faint">, with {kept.join(", ")}: kept as it stands</span>}
      </summary>
      <AreaField
        name="conditions"
        label="JSON"
        hint={broken === null ? "To read, copy or paste: the fields above follow." : "It is no JSON object yet: the fields above wait."}
        className="pt-2"
        value={broken ?? (isSame && text !== null ? text : written)}
        onChange={write}
        rows={Math.min(12, Math.max(3, written.split("\n").length))}
        isCode
        isOptional
      />
    </details>
  );
}
