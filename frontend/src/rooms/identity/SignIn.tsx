/** The sign-in page: e-mail and password, then the second factor where there is one, or an API key. */
import { useId, useState, type FormEvent, type JSX } from "react";

import { client } from "../../shared/graphql/client";
import { describeFailure, waitInWords } from "../../shared/graphql/failure";
import { endOfSession, signedIn } from "../../shared/graphql/session";
import { DoorPage, Field, Problem, SubmitButton, WayButton, WayLink, Ways } from "./DoorPage";
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
  const refused = error?.graphQLErrors[0]?.extensions;
  if (refused?.["code"] === "UNAUTHENTICATED") return "again";
  // Without the name of a limit on requests it is the person's codes that were wrong too often.
  if (refused?.["code"] === "RATE_LIMITED" && refused["limit"] === undefined) {
    const wait = waitInWords(refused["retryAfter"]);
    return { problem: `Too many wrong codes. Try again in ${wait}, or use a recovery code.` };
  }
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

export function SignIn(): JSX.Element {
  const [method, setMethod] = useState<Method>("password");
  const [problem, setProblem] = useState<string | null>(endOfSession());
  const [firm] = useState(() => new URLSearchParams(location.search).get("firm") ?? "");
  const [needsTenant, setNeedsTenant] = useState(firm !== "");
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
    <DoorPage title="Sign in">
      <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        {challenge !== null ? (
          <Field
            key="code"
            name="code"
            label="Code of your authenticator, or a recovery code"
            type="text"
            autoComplete="one-time-code"
            isNext
            {...{ invalid, problemId }}
          />
        ) : method === "password" ? (
          <>
            <Field name="email" label="E-mail" type="email" autoComplete="username" isNext {...{ invalid, problemId }} />
            <Field
              name="password"
              label="Password"
              type="password"
              autoComplete="current-password"
              {...{ invalid, problemId }}
            />
            {needsTenant && (
              <Field name="tenantSlug" label="Firm" type="text" autoComplete="organization" initial={firm} isNext={firm === ""} {...{ invalid, problemId }} />
            )}
          </>
        ) : (
          <Field name="apiKey" label="API key" type="password" autoComplete="off" isNext {...{ invalid, problemId }} />
        )}
        <Problem id={problemId}>{problem}</Problem>
        <SubmitButton isBusy={isBusy}>{isBusy ? "Signing in" : "Sign in"}</SubmitButton>
      </form>
      <Ways>
        {challenge === null && method === "password" && <WayLink href="/forgot-password">Forgot your password?</WayLink>}
        <WayButton
          onClick={() => {
            if (challenge === null) setMethod(method === "password" ? "apiKey" : "password");
            setChallenge(null);
            setProblem(null);
          }}
        >
          {challenge !== null || method === "apiKey" ? "Use e-mail and password" : "Use an API key"}
        </WayButton>
      </Ways>
    </DoorPage>
  );
}
