/** The sign-in page: e-mail and password, then the second factor where there is one, or an API key. */
import { useId, useState, type FormEvent, type JSX } from "react";

import { Mark } from "../../app/Mark";
import { client } from "../../shared/graphql/client";
import { describeFailure } from "../../shared/graphql/failure";
import { endOfSession, signedIn } from "../../shared/graphql/session";
import { LOGIN, VERIFY, VIEWER } from "./documents";

type Method = "password" | "apiKey";

/** Nothing once the server has set the session's cookies, or the words that say why it has not. */
type Outcome = { problem: string; needsTenant?: boolean } | { challenge: string } | null;

async function byPassword(email: string, password: string, tenantSlug: string): Promise<Outcome> {
  const input = { email, password, ...(tenantSlug === "" ? {} : { tenantSlug }) };
  const { data, error } = await client.mutation(LOGIN, { input }).toPromise();
  if (error) return { problem: describeFailure(error) };
  const payload = data?.login;
  if (payload?.tokens) return null;
  if (payload?.twoFactorChallenge) return { challenge: payload.twoFactorChallenge };
  return {
    problem: payload?.errors.map((each) => each.message).join(" ") || "The server gave no session.",
    needsTenant: payload?.errors.some((each) => each.path.includes("tenantSlug")) ?? false,
  };
}

/** A wrong code can be typed again; a challenge that has ended begins at the password. */
async function byCode(challenge: string, code: string): Promise<Outcome | "again"> {
  const { data, error } = await client.mutation(VERIFY, { input: { challenge, code } }).toPromise();
  if (error?.graphQLErrors.some((each) => each.extensions["code"] === "UNAUTHENTICATED")) return "again";
  if (error) return { problem: describeFailure(error) };
  if (data?.verifyTwoFactor.tokens) return null;
  return { problem: data?.verifyTwoFactor.errors.map((each) => each.message).join(" ") || "The server gave no session." };
}

async function byApiKey(apiKey: string): Promise<Outcome> {
  const { error } = await client
    .query(VIEWER, {}, { fetchOptions: { headers: { authorization: `Bearer ${apiKey}` } } })
    .toPromise();
  if (!error) return null;
  const isRefused = error.graphQLErrors.some((each) => each.extensions["code"] === "UNAUTHENTICATED");
  return { problem: isRefused || error.response?.status === 401 ? "This API key is not valid." : describeFailure(error) };
}

export function SignIn({ onSignedIn }: { onSignedIn: () => void }): JSX.Element {
  const [method, setMethod] = useState<Method>("password");
  const [problem, setProblem] = useState<string | null>(endOfSession());
  const [needsTenant, setNeedsTenant] = useState(false);
  const [challenge, setChallenge] = useState<string | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const problemId = useId();

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    if (isBusy) return;
    const form = new FormData(event.currentTarget);
    const read = (name: string): string => (form.get(name) as string | null)?.trim() ?? "";
    setIsBusy(true);
    setProblem(null);
    const outcome =
      challenge !== null
        ? await byCode(challenge, read("code"))
        : method === "apiKey"
          ? await byApiKey(read("apiKey"))
          : await byPassword(read("email"), (form.get("password") as string | null) ?? "", read("tenantSlug"));
    setIsBusy(false);
    if (outcome === null) {
      signedIn();
      onSignedIn();
      return;
    }
    if (outcome === "again") {
      setChallenge(null);
      setProblem("That took too long or too many tries. Sign in again.");
      return;
    }
    if ("challenge" in outcome) {
      setChallenge(outcome.challenge);
      return;
    }
    setProblem(outcome.problem);
    if (outcome.needsTenant) setNeedsTenant(true);
  }

  const invalid = problem !== null;
  return (
    <main className="grid min-h-dvh place-items-center px-6 py-12">
      <div className="w-full max-w-80">
        <Mark className="mb-10" />
        <h1 className="mb-6 text-title leading-7 font-semibold">Sign in</h1>
        <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4" noValidate={false}>
          {challenge !== null ? (
            <Field
              key="code"
              name="code"
              label="Code of your authenticator, or a recovery code"
              type="text"
              autoComplete="one-time-code"
              {...{ invalid, problemId }}
            />
          ) : method === "password" ? (
            <>
              <Field name="email" label="E-mail" type="email" autoComplete="username" {...{ invalid, problemId }} />
              <Field
                name="password"
                label="Password"
                type="password"
                autoComplete="current-password"
                {...{ invalid, problemId }}
              />
              {needsTenant && (
                <Field name="tenantSlug" label="Firm" type="text" autoComplete="organization" {...{ invalid, problemId }} />
              )}
            </>
          ) : (
            <Field name="apiKey" label="API key" type="password" autoComplete="off" {...{ invalid, problemId }} />
          )}
          {/* Always there, so that the form does not jump and a screen reader hears the change. */}
          <p id={problemId} role="alert" className="min-h-5 text-body text-critical">
            {problem}
          </p>
          <button
            type="submit"
            disabled={isBusy}
            className="h-9 rounded-sm bg-accent px-4 text-sm font-medium text-on-accent disabled:opacity-60"
          >
            {isBusy ? "Signing in" : "Sign in"}
          </button>
        </form>
        <button
          type="button"
          className="mt-5 text-body text-accent underline-offset-2 hover:underline"
          onClick={() => {
            if (challenge === null) setMethod(method === "password" ? "apiKey" : "password");
            setChallenge(null);
            setProblem(null);
          }}
        >
          {challenge !== null || method === "apiKey" ? "Use e-mail and password" : "Use an API key"}
        </button>
      </div>
    </main>
  );
}

interface FieldProps {
  name: string;
  label: string;
  type: "email" | "password" | "text";
  autoComplete: string;
  invalid: boolean;
  problemId: string;
}

function Field({ name, label, type, autoComplete, invalid, problemId }: FieldProps): JSX.Element {
  const id = useId();
  return (
    <div className="flex flex-col gap-1.5">
      <label htmlFor={id} className="text-small font-medium text-soft">
        {label}
      </label>
      <input
        id={id}
        name={name}
        type={type}
        autoComplete={autoComplete}
        required
        aria-invalid={invalid}
        aria-describedby={problemId}
        className="field"
        spellCheck={false}
      />
    </div>
  );
}
