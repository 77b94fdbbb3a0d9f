/** Setting up a second factor: the QR code, the first code of the authenticator, and the recovery codes that are told once. */
import { useState, type JSX } from "react";

import { act } from "../act/act";
import { Button } from "../controls/Button";
import { ActForm, textOf, TextField } from "../controls/Form";
import { Once } from "../controls/Once";
import type { ResultOf } from "../graphql/document";
import { BEGIN_TWO_FACTOR, CONFIRM_TWO_FACTOR } from "./documents";

type Begun = ResultOf<typeof BEGIN_TWO_FACTOR>["beginTwoFactor"];

interface EnrolmentProps {
  onDone: () => void;
  onCancel?: () => void;
}

export function Enrolment({ onDone, onCancel }: EnrolmentProps): JSX.Element {
  const [begun, setBegun] = useState<Begun | null>(null);
  const [codes, setCodes] = useState<readonly string[] | null>(null);

  if (codes) {
    return <RecoveryCodes codes={codes} onDone={onDone} />;
  }
  if (!begun) {
    return (
      <ActForm
        submit="Set up"
        busy="Making a secret"
        act={() => act(BEGIN_TWO_FACTOR, {})}
        onDone={setBegun}
        {...(onCancel ? { onCancel } : {})}
      >
        <p className="text-body text-soft">
          You need an authenticator: an app on your telephone, or a password manager that makes one-time codes. From then on
          you sign in with your password and a code, in every firm that you belong to.
        </p>
      </ActForm>
    );
  }
  return (
    <ActForm
      submit="Confirm"
      busy="Confirming"
      act={(form) => act(CONFIRM_TWO_FACTOR, { input: { code: textOf(form, "code").replaceAll(/\s/g, "") } })}
      onDone={(payload) => setCodes(payload.recoveryCodes)}
      {...(onCancel ? { onCancel } : {})}
    >
      <ol className="flex list-decimal flex-col gap-3 pl-5 text-body text-soft">
        <li>
          Scan this with your authenticator.
          {begun.qrSvg && (
            <img src={asImage(begun.qrSvg)} alt="QR code of the secret" className="mt-2 size-44" />
          )}
        </li>
        <li>
          Or type the secret there: <code className="font-[inherit] text-text wrap-anywhere select-all">{begun.secret && inFours(begun.secret)}</code>
        </li>
        <li>Give the first code that it shows, within fifteen minutes.</li>
      </ol>
      <TextField name="code" label="Code" autoComplete="one-time-code" inputMode="numeric" isFirst />
    </ActForm>
  );
}

interface RecoveryCodesProps {
  codes: readonly string[];
  onDone: () => void;
}

export function RecoveryCodes({ codes, onDone }: RecoveryCodesProps): JSX.Element {
  return (
    <div className="flex flex-col gap-4">
      <p className="text-body text-soft">
        Keep these recovery codes where you keep your passwords. Each works once in place of a code, when the authenticator is
        lost. They are not shown again, and nobody else can let you in.
      </p>
      <Once label="Recovery codes" secret={codes.join("\n")} />
      <div>
        <Button kind="primary" onClick={onDone}>
          I have kept them
        </Button>
      </div>
    </div>
  );
}

/** The SVG as the address of an image: as such nothing in it can run. */
export function asImage(svg: string): string {
  return `data:image/svg+xml;base64,${btoa(svg)}`;
}

/** ABCDEFGH as ABCD EFGH, as authenticators take it too. */
export function inFours(secret: string): string {
  return secret.match(/.{1,4}/g)?.join(" ") ?? "";
}
