/** The pages that links in mails lead to: confirming an address, choosing a new password. */
import { useId, useState, type FormEvent, type JSX } from "react";

import { Mark } from "../../app/Mark";
import { client } from "../../shared/graphql/client";
import { describeFailure } from "../../shared/graphql/failure";
import { RESET_PASSWORD, VERIFY_EMAIL } from "./documents";
import { tokenOf, type Purpose } from "./mailLink";

const WORDS = {
  verify: {
    title: "Confirm your address",
    button: "Confirm",
    done: "Your address is confirmed.",
    label: "Password, if you are registering",
    autoComplete: "current-password",
  },
  reset: {
    title: "Choose a new password",
    button: "Save",
    done: "Your password is changed. All sessions have ended.",
    label: "New password, 12 characters or more",
    autoComplete: "new-password",
  },
} as const;

async function send(purpose: Purpose, token: string, password: string): Promise<string | null> {
  if (purpose === "reset") {
    const input = { token, newPassword: password };
    const { data, error } = await client.mutation(RESET_PASSWORD, { input }).toPromise();
    return error ? describeFailure(error) : joined(data?.resetPassword.errors);
  }
  const input = { token, ...(password === "" ? {} : { password }) };
  const { data, error } = await client.mutation(VERIFY_EMAIL, { input }).toPromise();
  return error ? describeFailure(error) : joined(data?.verifyEmail.errors);
}

function joined(errors: readonly { message: string }[] | undefined): string | null {
  return errors && errors.length > 0 ? errors.map((each) => each.message).join(" ") : null;
}

export function FromMail({ purpose }: { purpose: Purpose }): JSX.Element {
  const [token] = useState(() => tokenOf(location.hash));
  const [problem, setProblem] = useState<string | null>(token === "" ? "This link is not whole: open it again." : null);
  const [isDone, setIsDone] = useState(false);
  const [isBusy, setIsBusy] = useState(false);
  const fieldId = useId();
  const problemId = useId();
  const words = WORDS[purpose];

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    if (isBusy) return;
    const password = (new FormData(event.currentTarget).get("password") as string | null) ?? "";
    setIsBusy(true);
    const found = await send(purpose, token, password);
    setIsBusy(false);
    setProblem(found);
    if (found === null) {
      setIsDone(true);
      // The token is used: it need not stay in the history.
      history.replaceState(null, "", location.pathname);
    }
  }

  return (
    <main className="grid min-h-dvh place-items-center px-6 py-12">
      <div className="w-full max-w-80">
        <Mark className="mb-10" />
        <h1 className="mb-6 text-title leading-7 font-semibold">{words.title}</h1>
        {isDone ? (
          <output className="mb-5 block text-body">{words.done}</output>
        ) : (
          <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
            <div className="flex flex-col gap-1.5">
              <label htmlFor={fieldId} className="text-small font-medium text-soft">
                {words.label}
              </label>
              <input
                id={fieldId}
                name="password"
                type="password"
                autoComplete={words.autoComplete}
                required={purpose === "reset"}
                aria-invalid={problem !== null}
                aria-describedby={problemId}
                className="field"
              />
            </div>
            <p id={problemId} role="alert" className="min-h-5 text-body text-critical">
              {problem}
            </p>
            <button
              type="submit"
              disabled={isBusy || token === ""}
              className="h-9 rounded-sm bg-accent px-4 text-sm font-medium text-on-accent disabled:opacity-60"
            >
              {words.button}
            </button>
          </form>
        )}
        <a href="/sign-in" className="mt-5 inline-block text-body text-accent underline-offset-2 hover:underline">
          Sign in
        </a>
      </div>
    </main>
  );
}
