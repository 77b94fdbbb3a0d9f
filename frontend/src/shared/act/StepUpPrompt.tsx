/** The prompt of a step-up. It stands once in the application; whatever act needs it opens it and goes on behind it. */
import type { JSX } from "react";

import { client } from "../graphql/client";
import { Dialog } from "../controls/Dialog";
import { ActForm, secretOf, TextField, textOf } from "../controls/Form";
import { acting } from "./act";
import { STEP_UP } from "./documents";
import { stepUp, useStepUp, type Proof } from "./stepUp";

export function StepUpPrompt(): JSX.Element | null {
  const proof = useStepUp();
  return proof === null ? null : <Prompt proof={proof} />;
}

function Prompt({ proof }: { proof: Proof }): JSX.Element {
  const isCode = proof === "CODE";
  return (
    <Dialog title="Confirm that it is you" onClose={() => stepUp.answer(false)}>
      <p className="text-body text-soft">
        What you are about to do asks for {isCode ? "a code of your authenticator" : "your password"} within the last ten
        minutes. It goes on as soon as you have confirmed.
      </p>
      <ActForm
        submit="Confirm"
        busy="Confirming"
        act={(form) => {
          const input = isCode ? { code: textOf(form, "code") } : { password: secretOf(form, "password") };
          // The answer to a step-up must not open another one.
          return acting(() => client.mutation(STEP_UP, { input }).toPromise(), { ask: async () => false });
        }}
        onDone={() => stepUp.answer(true)}
        onCancel={() => stepUp.answer(false)}
      >
        {isCode ? (
          <TextField name="code" label="Code, or a recovery code" autoComplete="one-time-code" isFirst />
        ) : (
          <TextField name="password" label="Password" type="password" autoComplete="current-password" isFirst />
        )}
      </ActForm>
    </Dialog>
  );
}
