/** Asks for a mail with a link to choose another password. Every address is answered alike. */
import { useId, useState, type FormEvent, type JSX } from "react";

import { client } from "../../shared/graphql/client";
import { describeFailure } from "../../shared/graphql/failure";
import { DoorPage, Field, Problem, SubmitButton, WayLink, Ways } from "./DoorPage";
import { REQUEST_PASSWORD_RESET } from "./documents";
import { joined } from "./mailLink";

async function ask(email: string): Promise<string | null> {
  const { data, error } = await client.mutation(REQUEST_PASSWORD_RESET, { input: { email } }).toPromise();
  return error ? describeFailure(error) : joined(data?.requestPasswordReset.errors);
}

export function ForgotPassword(): JSX.Element {
  const [problem, setProblem] = useState<string | null>(null);
  const [askedFor, setAskedFor] = useState<string | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const problemId = useId();

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    if (isBusy) return;
    const email = (new FormData(event.currentTarget).get("email") as string).trim();
    setIsBusy(true);
    setProblem(null);
    const found = await ask(email);
    setIsBusy(false);
    setProblem(found);
    if (found === null) setAskedFor(email);
  }

  return (
    <DoorPage title="Forgot your password">
      {askedFor === null ? (
        <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
          <p className="text-body text-soft">You get a mail with a link to choose another one.</p>
          <Field name="email" label="E-mail" type="email" autoComplete="username" {...{ invalid: problem !== null, problemId }} />
          <Problem id={problemId}>{problem}</Problem>
          <SubmitButton isBusy={isBusy}>{isBusy ? "Sending" : "Send the link"}</SubmitButton>
        </form>
      ) : (
        <output className="block text-body">
          If <span className="font-medium wrap-anywhere">{askedFor}</span> has an account, a link is on its way. It holds for 30
          minutes and works once.
        </output>
      )}
      <Ways>
        <WayLink href="/sign-in">Sign in</WayLink>
      </Ways>
    </DoorPage>
  );
}
