/** Forms that do one act: fields that show what was wrong with them, a line for the rest, a button that waits. */
import { createContext, useContext, useEffect, useId, useRef, useState, type FormEvent, type JSX, type ReactNode } from "react";

import type { Complaint, Outcome } from "../act/act";
import { Button, type ButtonKind } from "./Button";

interface FormState {
  complaints: readonly Complaint[];
  isBusy: boolean;
}

const Context = createContext<FormState>({ complaints: [], isBusy: false });

interface ActFormProps<Payload> {
  submit: string;
  busy: string;
  kind?: ButtonKind;
  act: (form: FormData) => Promise<Outcome<Payload>>;
  onDone: (payload: Payload) => void;
  onCancel?: () => void;
  /** Says what was done, below the fields, until the next try. */
  done?: string;
  /** Fields begin anew after what was done. */
  isCleared?: boolean;
  isDisabled?: boolean;
  className?: string;
  children: ReactNode;
}

export function ActForm<Payload>(props: ActFormProps<Payload>): JSX.Element {
  const [state, setState] = useState<FormState>({ complaints: [], isBusy: false });
  const [words, setWords] = useState<string>("");
  const [isDone, setIsDone] = useState(false);

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    event.stopPropagation();
    if (state.isBusy) return;
    const form = event.currentTarget;
    setState({ complaints: [], isBusy: true });
    setWords("");
    setIsDone(false);
    const outcome = await props.act(new FormData(form));
    if (outcome.ok) {
      setState({ complaints: [], isBusy: false });
      setIsDone(true);
      if (props.isCleared) form.reset();
      props.onDone(outcome.payload);
      return;
    }
    setState({ complaints: outcome.complaints, isBusy: false });
    setWords(wordsBeside(outcome.words, outcome.complaints, namesIn(form)));
  }

  return (
    <Context value={state}>
      <form onSubmit={(event) => void submit(event)} className={`flex flex-col gap-3 ${props.className ?? ""}`}>
        {props.children}
        <div className="flex min-h-7 flex-wrap items-center gap-x-3 gap-y-2">
          <Button type="submit" kind={props.kind ?? "primary"} disabled={state.isBusy || (props.isDisabled ?? false)}>
            {state.isBusy ? props.busy : props.submit}
          </Button>
          {props.onCancel && <Button onClick={props.onCancel}>Cancel</Button>}
          <p role="alert" className="min-w-0 text-small text-critical wrap-anywhere empty:hidden">
            {words}
          </p>
          {isDone && props.done && <output className="text-small text-ok">{props.done}</output>}
        </div>
      </form>
    </Context>
  );
}

function namesIn(form: HTMLFormElement): ReadonlySet<string> {
  return new Set([...form.elements].map((element) => element.getAttribute("name") ?? ""));
}

/** What is left to say when each field of the form has said its own. */
export function wordsBeside(words: string, complaints: readonly Complaint[], names: ReadonlySet<string>): string {
  if (complaints.length === 0) return words;
  return complaints
    .filter((each) => fieldOf(each, names) === null)
    .map((each) => each.message)
    .join(" ");
}

/** The field that a complaint is about: the innermost step of its path that the form has. */
function fieldOf(complaint: Complaint, names: ReadonlySet<string>): string | null {
  return complaint.path.findLast((step) => names.has(step)) ?? null;
}

/** What the server found wrong with the field of that name, at the last try. */
export function useComplaint(name: string): string | null {
  const { complaints } = useContext(Context);
  return complaints.findLast((each) => each.path.includes(name))?.message ?? null;
}

interface Labelled {
  name: string;
  label: string;
  hint?: ReactNode;
  className?: string;
}

interface TextFieldProps extends Labelled {
  type?: "text" | "password" | "email" | "tel" | "number" | "date" | "time" | "datetime-local" | "search";
  defaultValue?: string;
  value?: string;
  autoComplete?: string;
  placeholder?: string;
  inputMode?: "numeric" | "decimal" | "text";
  isOptional?: boolean;
  /** Takes the focus as it appears: for the first field of a dialog. */
  isFirst?: boolean;
  minLength?: number;
  maxLength?: number;
  min?: string;
  max?: string;
  pattern?: string;
  onChange?: (value: string) => void;
}

const BOX =
  "h-8 min-w-0 rounded-sm border border-line-strong bg-ground px-2 text-body text-text focus-visible:border-accent focus-visible:outline-1 focus-visible:outline-offset-0 aria-invalid:border-critical disabled:opacity-60 max-md:h-9";

/** A field of a form, as wide as its place. */
export const INPUT = `${BOX} w-full`;

/** A choice in the head of a table, as wide as its words. */
export const FILTER = `${BOX} w-auto`;

export function TextField(props: TextFieldProps): JSX.Element {
  const { name, label, hint, className, type = "text", isOptional, isFirst, onChange, ...rest } = props;
  const id = useId();
  const complaint = useComplaint(name);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (isFirst) input.current?.focus();
  }, [isFirst]);
  return (
    <FieldFrame {...{ id, label, hint, complaint, className }}>
      <input
        ref={input}
        id={id}
        name={name}
        type={type}
        required={!isOptional}
        autoComplete={rest.autoComplete ?? "off"}
        aria-invalid={complaint !== null}
        aria-describedby={`${id}-told`}
        spellCheck={false}
        onChange={onChange && ((event) => onChange(event.target.value))}
        className={INPUT}
        {...rest}
      />
    </FieldFrame>
  );
}

interface AreaFieldProps extends Labelled {
  defaultValue?: string;
  value?: string;
  isOptional?: boolean;
  isFirst?: boolean;
  rows?: number;
  maxLength?: number;
  /** For text that a machine reads. */
  isCode?: boolean;
  onChange?: (value: string) => void;
}

export function AreaField(props: AreaFieldProps): JSX.Element {
  const { name, label, hint, className, isOptional, isFirst, rows = 2, isCode, onChange, ...rest } = props;
  const id = useId();
  const complaint = useComplaint(name);
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (isFirst) area.current?.focus();
  }, [isFirst]);
  return (
    <FieldFrame {...{ id, label, hint, complaint, className }}>
      <textarea
        ref={area}
        id={id}
        name={name}
        rows={rows}
        required={!isOptional}
        aria-invalid={complaint !== null}
        aria-describedby={`${id}-told`}
        spellCheck={!isCode}
        onChange={onChange && ((event) => onChange(event.target.value))}
        className={`${INPUT} h-auto resize-y py-1.5 max-md:h-auto ${isCode ? "font-mono text-small" : ""}`}
        {...rest}
      />
    </FieldFrame>
  );
}

export interface Choice {
  value: string;
  label: string;
}

interface SelectFieldProps extends Labelled {
  choices: readonly Choice[];
  defaultValue?: string;
  value?: string;
  isDisabled?: boolean;
  onChange?: (value: string) => void;
}

export function SelectField({ name, label, hint, className, choices, isDisabled, onChange, ...rest }: SelectFieldProps): JSX.Element {
  const id = useId();
  const complaint = useComplaint(name);
  return (
    <FieldFrame {...{ id, label, hint, complaint, className }}>
      <select
        id={id}
        name={name}
        disabled={isDisabled}
        aria-invalid={complaint !== null}
        aria-describedby={`${id}-told`}
        onChange={onChange && ((event) => onChange(event.target.value))}
        className={INPUT}
        {...rest}
      >
        {choices.map((choice) => (
          <option key={choice.value} value={choice.value}>
            {choice.label}
          </option>
        ))}
      </select>
    </FieldFrame>
  );
}

interface CheckFieldProps {
  name: string;
  label: ReactNode;
  value?: string;
  defaultChecked?: boolean;
  /** Where the form is told each change. */
  isChecked?: boolean;
  isDisabled?: boolean;
  isRequired?: boolean;
  onChange?: (isChecked: boolean) => void;
}

export function CheckField(props: CheckFieldProps): JSX.Element {
  const { name, label, value = "true", defaultChecked, isChecked, isDisabled, isRequired, onChange } = props;
  return (
    <label className="flex min-h-6 items-start gap-2 text-small text-text has-disabled:text-faint">
      <input
        type="checkbox"
        name={name}
        value={value}
        {...(isChecked === undefined ? { defaultChecked } : { checked: isChecked })}
        disabled={isDisabled}
        required={isRequired}
        onChange={onChange && ((event) => onChange(event.target.checked))}
        className="mt-[3px] size-3.5 shrink-0 accent-(--accent)"
      />
      <span className="min-w-0">{label}</span>
    </label>
  );
}

interface MarksFieldProps extends Labelled {
  choices: readonly Choice[];
  chosen: readonly string[];
  onChange: (chosen: string[]) => void;
}

/** Any of a few, each with a tick of its own; they keep the order of the choices. */
export function MarksField({ name, label, hint, className, choices, chosen, onChange }: MarksFieldProps): JSX.Element {
  const complaint = useComplaint(name);
  return (
    <fieldset className={`flex min-w-0 flex-col gap-1 ${className ?? ""}`}>
      <legend className="mb-1 text-small font-medium text-soft">{label}</legend>
      <div className="flex flex-wrap gap-x-4">
        {choices.map((choice) => (
          <CheckField
            key={choice.value}
            name={name}
            value={choice.value}
            label={choice.label}
            isChecked={chosen.includes(choice.value)}
            onChange={(isChecked) =>
              onChange(choices.flatMap(({ value }) => ((value === choice.value ? isChecked : chosen.includes(value)) ? [value] : [])))
            }
          />
        ))}
      </div>
      <Told hint={hint} complaint={complaint} />
    </fieldset>
  );
}

interface FieldFrameProps {
  id: string;
  label: string;
  hint: ReactNode;
  complaint: string | null;
  className: string | undefined;
  children: ReactNode;
}

function FieldFrame({ id, label, hint, complaint, className, children }: FieldFrameProps): JSX.Element {
  return (
    <div className={`flex min-w-0 flex-col gap-1 ${className ?? ""}`}>
      <label htmlFor={id} className="text-small font-medium text-soft">
        {label}
      </label>
      {children}
      <Told id={`${id}-told`} hint={hint} complaint={complaint} />
    </div>
  );
}

/** Below a field: what was wrong with it, or what to know of it. */
function Told({ id, hint, complaint }: { id?: string; hint: ReactNode; complaint: string | null }): JSX.Element {
  return (
    <p id={id} className={`text-micro leading-4 empty:hidden ${complaint === null ? "text-faint" : "text-critical"}`}>
      {complaint ?? hint}
    </p>
  );
}

/** The text of a field without the space around it; blank when there is none. */
export function textOf(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === "string" ? value.trim() : "";
}

/** The text of a field, null where it is blank. */
export function textOrNull(form: FormData, name: string): string | null {
  return textOf(form, name) || null;
}

/** As typed: a password may begin with a space. */
export function secretOf(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === "string" ? value : "";
}
