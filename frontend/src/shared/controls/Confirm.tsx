/** Asks before an act that cannot be taken back, for a reason where one is kept with it. */
import type { JSX, ReactNode } from "react";

import type { Outcome } from "../act/act";
import { Dialog } from "./Dialog";
import { ActForm, AreaField, TextField, textOf } from "./Form";

interface ConfirmProps<Payload> {
  title: string;
  children: ReactNode;
  submit: string;
  busy: string;
  isDangerous?: boolean;
  /** The label of the reason, where one is asked for. */
  reason?: string;
  isReasonOptional?: boolean;
  /** What must be typed, letter for letter, before the button works. */
  typed?: { label: string; text: string };
  act: (reason: string) => Promise<Outcome<Payload>>;
  onDone: (payload: Payload) => void;
  onClose: () => void;
}

const REASON_LENGTH_MAX = 500;

export function Confirm<Payload>(props: ConfirmProps<Payload>): JSX.Element {
  const { title, children, submit, busy, isDangerous, reason, isReasonOptional, typed, act, onDone, onClose } = props;
  return (
    <Dialog title={title} onClose={onClose}>
      <div className="flex flex-col gap-2 text-body text-soft">{children}</div>
      <ActForm
        submit={submit}
        busy={busy}
        kind={isDangerous ? "danger" : "primary"}
        act={(form) => act(textOf(form, "reason"))}
        onDone={onDone}
        onCancel={onClose}
      >
        {reason !== undefined && (
          <AreaField name="reason" label={reason} maxLength={REASON_LENGTH_MAX} isFirst isOptional={isReasonOptional ?? false} />
        )}
        {typed && <TextField name="typed" label={typed.label} pattern={escaped(typed.text)} placeholder={typed.text} />}
      </ActForm>
    </Dialog>
  );
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
}
