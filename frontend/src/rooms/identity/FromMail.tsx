/** The pages that links in mails lead to: confirming an address, choosing a new password. */
import { useId, useState, type FormEvent, type JSX } from "react";

import { client } from "../../shared/graphql/client";
import { describeFailure } from "../../shared/graphql/failure";
import { sessionMark, signedIn } from "../../shared/graphql/session";
import { DoorPage, Field, Problem, SubmitButton, WayLink, Ways } from "./DoorPage";
import { RESET_PASSWORD, VERIFY_EMAIL } from "./documents";
import { CUT, forgetToken, refusalOf, type Refusal } from "./mailLink";

type Purpose = "verify" | "reset";

const WORDS = {
  verify: {
    title: "Confirm your address",
    button: "Confirm",
    busy: "Confirming",
    done: "Your address is confirmed.",
    label: "Password, if you are registering",
    autoComplete: "current-password",
  },
  reset: {
    title: "Choose a new password",
    button: "Save",
    busy: "Saving",
    done: "Your password is changed. All sessions have ended.",
    label: "New password, 12 characters or more",
    autoComplete: "new-password",
  },
} as const;

type Outcome = { refusal: Refusal } | { entered: boolean };

async function send(purpose: Purpose, token: string, password: string): Promise<Outcome> {
  if (purpose === "reset") {
    const input = { token, newPassword: password };
    const { data, error } = await client.mutation(RESET_PASSWORD, { input }).toPromise();
    if (error) return { refusal: { words: describeFailure(error), isDead: false } };
    const refusal = refusalOf(data?.resetPassword.errors);
    return refusal ? { refusal } : { entered: false };
  }
  const input = { token, ...(password === "" ? {} : { password }) };
  const { data, error } = await client.mutation(VERIFY_EMAIL, { input }).toPromise();
  if (error) return { refusal: { words: describeFailure(error), isDead: false } };
  const refusal = refusalOf(data?.verifyEmail.errors);
  // A registration that is finished comes with its first session.
  return refusal ? { refusal } : { entered: Boolean(data?.verifyEmail.tokens) };
}

export function FromMail({ purpose, token }: { purpose: Purpose; token: string }): JSX.Element {
  const [refusal, setRefusal] = useState<Refusal | null>(token === "" ? CUT : null);
  const [isDone, setIsDone] = useState(false);
  const [isBusy, setIsBusy] = useState(false);
  const problemId = useId();
  const words = WORDS[purpose];

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    if (isBusy) return;
    const password = new FormData(event.currentTarget).get("password") as string;
    setIsBusy(true);
    setRefusal(null);
    const outcome = await send(purpose, token, password);
    setIsBusy(false);
    if ("refusal" in outcome) {
      setRefusal(outcome.refusal);
      return;
    }
    setIsDone(true);
    forgetToken();
    if (outcome.entered) signedIn();
  }

  return (
    <DoorPage title={words.title}>
      {isDone ? (
        <output className="block text-body">{words.done}</output>
      ) : refusal?.isDead ? (
        <Problem id={problemId}>{refusal.words}</Problem>
      ) : (
        <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
          <Field
            name="password"
            label={words.label}
            type="password"
            autoComplete={words.autoComplete}
            isOptional={purpose === "verify"}
            {...{ invalid: refusal !== null, problemId }}
          />
          <Problem id={problemId}>{refusal?.words ?? null}</Problem>
          <SubmitButton isBusy={isBusy}>{isBusy ? words.busy : words.button}</SubmitButton>
        </form>
      )}
      <Ways>
        {sessionMark() === null || purpose === "reset" ? (
          <WayLink href="/sign-in">Sign in</WayLink>
        ) : (
          <WayLink href="/">Open the dashboard</WayLink>
        )}
        {purpose === "reset" && refusal?.isDead && <WayLink href="/forgot-password">Ask for another link</WayLink>}
      </Ways>
    </DoorPage>
  );
}
