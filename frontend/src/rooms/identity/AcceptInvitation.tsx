/** The page of an invitation: a new person chooses a password, a known one gives theirs; then both sign in. */
import { useId, useState, type FormEvent, type JSX } from "react";

import { client } from "../../shared/graphql/client";
import type { VariablesOf } from "../../shared/graphql/document";
import { describeFailure } from "../../shared/graphql/failure";
import { DoorPage, Field, Problem, SubmitButton, WayButton, WayLink, Ways } from "./DoorPage";
import { ACCEPT_INVITATION } from "./documents";
import { CUT, forgetToken, refusalOf, type Refusal } from "./mailLink";

type Input = VariablesOf<typeof ACCEPT_INVITATION>["input"];
type Person = "new" | "known";

interface Accepted {
  email: string;
  tenantSlug: string;
}

/** The link told nobody whether the address has an account: the server says so when the other form was filled in. */
type Outcome = { accepted: Accepted } | { refusal: Refusal; person?: Person };

const NOT_KNOWN: Refusal = { words: "You have no account yet: tell your name and choose a password.", isDead: false };

async function accept(input: Input, isNamed: boolean): Promise<Outcome> {
  const { data, error } = await client.mutation(ACCEPT_INVITATION, { input }).toPromise();
  if (error) return { refusal: { words: describeFailure(error), isDead: false } };
  const { email, tenantSlug, errors } = data?.acceptInvitation ?? {};
  const refusal = refusalOf(errors);
  if (refusal && !isNamed && errors?.some((each) => each.path.includes("firstName"))) {
    return { refusal: NOT_KNOWN, person: "new" };
  }
  if (refusal && errors?.some((each) => each.code === "INVITATION_PASSWORD")) return { refusal, person: "known" };
  return refusal ? { refusal } : { accepted: { email: email ?? "", tenantSlug: tenantSlug ?? "" } };
}

export function AcceptInvitation({ token }: { token: string }): JSX.Element {
  const [person, setPerson] = useState<Person>("new");
  const [refusal, setRefusal] = useState<Refusal | null>(token === "" ? CUT : null);
  const [accepted, setAccepted] = useState<Accepted | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const problemId = useId();
  const isNew = person === "new";

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    if (isBusy) return;
    const form = new FormData(event.currentTarget);
    const read = (name: string): string => (form.get(name) as string | null) ?? "";
    const names = isNew ? { firstName: read("firstName"), lastName: read("lastName") } : {};
    setIsBusy(true);
    setRefusal(null);
    const outcome = await accept({ token, password: read("password"), ...names }, isNew);
    setIsBusy(false);
    if ("accepted" in outcome) {
      setAccepted(outcome.accepted);
      forgetToken();
      return;
    }
    setRefusal(outcome.refusal);
    if (outcome.person) setPerson(outcome.person);
  }

  const field = { invalid: refusal !== null, problemId };
  return (
    <DoorPage title="Accept the invitation">
      {accepted ? (
        <output className="block text-body">
          You are a member of <span className="font-medium wrap-anywhere">{accepted.tenantSlug}</span>. Sign in as{" "}
          <span className="font-medium wrap-anywhere">{accepted.email}</span>.
        </output>
      ) : refusal?.isDead ? (
        <Problem id={problemId}>{refusal.words}</Problem>
      ) : (
        <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
          {isNew && (
            <div className="flex gap-3">
              <Field name="firstName" label="First name" type="text" autoComplete="given-name" {...field} />
              <Field name="lastName" label="Last name" type="text" autoComplete="family-name" {...field} />
            </div>
          )}
          <Field
            key={person}
            name="password"
            label={isNew ? "New password, 12 characters or more" : "Your password"}
            type="password"
            autoComplete={isNew ? "new-password" : "current-password"}
            isNext={!isNew}
            {...field}
          />
          <Problem id={problemId}>{refusal?.words ?? null}</Problem>
          <SubmitButton isBusy={isBusy}>{isBusy ? "Accepting" : "Accept"}</SubmitButton>
        </form>
      )}
      <Ways>
        {accepted || refusal?.isDead ? (
          <WayLink href="/sign-in">Sign in</WayLink>
        ) : (
          <WayButton
            onClick={() => {
              setPerson(isNew ? "known" : "new");
              setRefusal(null);
            }}
          >
            {isNew ? "I have an account" : "I am new here"}
          </WayButton>
        )}
        {!accepted && !refusal?.isDead && !isNew && <WayLink href="/forgot-password">Forgot your password?</WayLink>}
      </Ways>
    </DoorPage>
  );
}
