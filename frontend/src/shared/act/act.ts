/** Doing something: one mutation from the click to its outcome in words, with the step-up in between where it is asked. */
import type { AnyVariables, CombinedError, TypedDocumentNode } from "@urql/core";

import { client } from "../graphql/client";
import { describeFailure } from "../graphql/failure";
import { stepUp, type Proof, type StepUp } from "./stepUp";

/** One thing that the server found wrong with what it was given. */
export interface Complaint {
  code: string;
  message: string;
  path: readonly string[];
}

/** The one field of a mutation's answer. */
export type PayloadOf<Data> = NonNullable<Data[keyof Data]>;

export type Outcome<Payload> =
  | { ok: true; payload: Payload }
  | {
      ok: false;
      /** For the person; blank when they themselves turned back at the step-up. */
      words: string;
      /** The stable code of the first thing that was wrong, where the server gave one. */
      code: string | null;
      complaints: readonly Complaint[];
    };

interface Answer<Data> {
  data?: Data | undefined;
  error?: CombinedError | undefined;
}

/** Sends a mutation; what is asked for in between, such as a step-up, is asked of the person, and the same one sent again. */
export async function act<Data extends object, Variables extends AnyVariables>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
): Promise<Outcome<PayloadOf<Data>>> {
  return await acting(() => client.mutation<Data, Variables>(document, variables).toPromise(), stepUp);
}

/** As `act`, over any way to send. */
export async function acting<Data extends object>(
  send: () => Promise<Answer<Data>>,
  prompt: Pick<StepUp, "ask">,
): Promise<Outcome<PayloadOf<Data>>> {
  let answer = await send();
  const proof = proofAskedBy(answer.error);
  if (proof !== null) {
    if (!(await prompt.ask(proof))) return refused("");
    answer = await send();
  }
  if (answer.error) {
    const code = answer.error.graphQLErrors[0]?.extensions["code"];
    return refused(describeFailure(answer.error), typeof code === "string" ? code : null);
  }
  const payload = firstPayload(answer.data);
  if (payload === null) return refused("The server answered nothing.");
  const complaints = complaintsOf(payload);
  if (complaints.length > 0) {
    return refused(complaints.map((each) => each.message).join(" "), complaints[0]?.code ?? null, complaints);
  }
  return { ok: true, payload };
}

/** The proof that an answer asks for; null when it asks for none, or of an API key, which has none to give. */
export function proofAskedBy(error: CombinedError | undefined): Proof | null {
  const first = error?.graphQLErrors[0]?.extensions;
  if (first?.["code"] !== "STEP_UP_REQUIRED") return null;
  const proof = first["proof"];
  return proof === "CODE" || proof === "PASSWORD" ? proof : null;
}

/** An outcome that the page itself found, before or after it asked the server. */
export function refused<Payload>(words: string, code: string | null = null, complaints: readonly Complaint[] = []): Outcome<Payload> {
  return { ok: false, words, code, complaints };
}

/** What the page itself found wrong with one field of a form. */
export function refusedAt<Payload>(field: string, message: string): Outcome<Payload> {
  return refused(message, null, [{ code: "", message, path: [field] }]);
}

function firstPayload<Data extends object>(data: Data | undefined): PayloadOf<Data> | null {
  for (const [name, value] of Object.entries(data ?? {})) {
    if (name !== "__typename" && value !== null) return value as PayloadOf<Data>;
  }
  return null;
}

function complaintsOf(payload: object): readonly Complaint[] {
  return "errors" in payload && Array.isArray(payload.errors) ? (payload.errors as Complaint[]) : [];
}
