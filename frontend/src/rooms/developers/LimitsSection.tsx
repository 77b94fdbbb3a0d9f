/** How much may be asked, as the answers to this very page tell it. */
import type { JSX } from "react";

import { Facts } from "../../shared/controls/Facts";
import { useRateLimit } from "../../shared/graphql/rateLimit";
import { Section } from "../../shared/query/Answered";
import { useAnswer } from "../../shared/query/useAnswer";
import { Status } from "../../shared/table/Status";
import { API_KEYS, type ApiKey } from "./documents";
import { keyState } from "./keys";

const LOOK_EVERY_MS = 5_000;
const LITTLE_LEFT = 0.2;

const COUNT = new Intl.NumberFormat("en-US");

function holding(keys: readonly ApiKey[]): readonly ApiKey[] {
  const now = new Date();
  return keys.filter((key) => keyState(key, now).holds);
}

export function LimitsSection(): JSX.Element {
  // Each answer tells of the limit that is nearest: asking keeps what is shown fresh.
  const answer = useAnswer(API_KEYS, {}, { everyMs: LOOK_EVERY_MS });
  const told = useRateLimit();
  const keys = holding(answer.data?.apiKeys ?? []);
  const quotas = keys.filter((key) => key.requestsPerMinute !== null);
  return (
    <>
      <Section
        title="Your nearest limit"
        about="Every operation has a cost: a query 1, a mutation 10, and one for each object that it may tell. What is spent flows back evenly."
        answer={answer}
        staleMs={3 * LOOK_EVERY_MS}
      >
        {told === null ? (
          <p className="text-body text-soft">
            {answer.isLoading ? "Loading" : "This installation has no limits on how much may be asked."}
          </p>
        ) : (
          <div className="flex max-w-140 flex-col gap-3">
            <Facts
              facts={[
                ["Left now", `${COUNT.format(told.remaining)} of ${COUNT.format(told.limit)}`],
                ["All again in", `${told.resetSeconds} s`],
                ["Policy", told.policy],
                [
                  "State",
                  told.remaining < told.limit * LITTLE_LEFT ? (
                    <Status key="state" tone="warn" label="Little is left" />
                  ) : (
                    <Status key="state" tone="ok" label="Plenty" />
                  ),
                ],
              ]}
            />
            <div
              role="meter"
              aria-label="What is left of the limit"
              aria-valuemin={0}
              aria-valuemax={told.limit}
              aria-valuenow={told.remaining}
              className="h-1.5 w-full bg-raised"
            >
              <div
                className={`h-full ${told.remaining < told.limit * LITTLE_LEFT ? "bg-warn" : "bg-accent"}`}
                style={{ width: `${(told.remaining / told.limit) * 100}%` }}
              />
            </div>
          </div>
        )}
      </Section>
      <Section title="Quotas of keys" about="A key may have a number of requests a minute of its own, beside the limits above.">
        {quotas.length === 0 ? (
          <p className="text-body text-soft">No key has a quota.</p>
        ) : (
          <Facts label="Quotas" facts={quotas.map((key) => [key.name, `${COUNT.format(key.requestsPerMinute ?? 0)} a minute`])} />
        )}
      </Section>
    </>
  );
}
