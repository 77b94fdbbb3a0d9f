/** What keeps others out: the password, the second factor and its recovery codes, and where one is signed in. */
import { useState, type JSX } from "react";

import { act } from "../../shared/act/act";
import { Button } from "../../shared/controls/Button";
import { Confirm } from "../../shared/controls/Confirm";
import { Dialog } from "../../shared/controls/Dialog";
import { Facts } from "../../shared/controls/Facts";
import { ActForm, secretOf, TextField, textOf } from "../../shared/controls/Form";
import { formatTime } from "../../shared/format/time";
import { signOut } from "../../shared/graphql/session";
import { agentInWords } from "../../shared/identity/scopes";
import { toast } from "../../shared/overlay/toasts";
import { Answered, Section } from "../../shared/query/Answered";
import { useAnswer } from "../../shared/query/useAnswer";
import { Status } from "../../shared/table/Status";
import { Table, type Column } from "../../shared/table/Table";
import { DISABLE_TWO_FACTOR, RENEW_RECOVERY_CODES, TWO_FACTOR } from "../../shared/twoFactor/documents";
import { Enrolment, RecoveryCodes } from "../../shared/twoFactor/Enrolment";
import { CHANGE_PASSWORD, LOGOUT_EVERYWHERE, REVOKE_SESSION, SESSIONS, type Session } from "./documents";

const LOOK_EVERY_MS = 30_000;
const RECOVERY_CODES_FEW = 3;

export function SecurityTab(): JSX.Element {
  return (
    <>
      <SecondFactorSection />
      <PasswordSection />
      <SessionsSection />
    </>
  );
}

function PasswordSection(): JSX.Element {
  return (
    <Section title="Password" about="All your other sessions end with the change.">
      <ActForm
        className="max-w-108"
        submit="Change the password"
        busy="Changing"
        kind="plain"
        done="Changed"
        isCleared
        act={(form) =>
          act(CHANGE_PASSWORD, {
            input: { currentPassword: secretOf(form, "currentPassword"), newPassword: secretOf(form, "newPassword") },
          })
        }
        onDone={() => toast("ok", "Your password is changed. All your other sessions have ended.")}
      >
        <TextField name="currentPassword" label="Present password" type="password" autoComplete="current-password" />
        <TextField
          name="newPassword"
          label="New password"
          type="password"
          autoComplete="new-password"
          hint="12 characters or more, hard to guess, none of your last five"
        />
      </ActForm>
    </Section>
  );
}

type Question = "enrol" | "renew" | "disable";

function SecondFactorSection(): JSX.Element {
  const answer = useAnswer(TWO_FACTOR, {});
  const [question, setQuestion] = useState<Question | null>(null);
  const [codes, setCodes] = useState<readonly string[] | null>(null);

  function close(): void {
    setQuestion(null);
    setCodes(null);
    answer.reload();
  }

  return (
    <Section title="Second factor">
      <Answered
        answer={answer}
        what="your second factor"
        empty={({ twoFactor }) =>
          twoFactor === null ? { title: "An API key has no second factor.", words: "Sign in with your e-mail and password." } : null
        }
      >
        {({ twoFactor }) =>
          twoFactor?.enabled ? (
            <div className="flex flex-col gap-3">
              <Facts
                facts={[
                  ["State", <Status key="state" tone="ok" label="On" />],
                  ["Since", twoFactor.confirmedAt && formatTime(twoFactor.confirmedAt)],
                  [
                    "Recovery codes left",
                    twoFactor.recoveryCodesLeft <= RECOVERY_CODES_FEW ? (
                      <Status key="codes" tone="warn" label={`${twoFactor.recoveryCodesLeft} of 10: make new ones`} />
                    ) : (
                      `${twoFactor.recoveryCodesLeft} of 10`
                    ),
                  ],
                  ["The firm", twoFactor.demanded ? "Demands one of every member" : null],
                ]}
              />
              <div className="flex flex-wrap gap-3">
                <Button onClick={() => setQuestion("renew")}>New recovery codes</Button>
                <Button kind="danger" onClick={() => setQuestion("disable")}>
                  Take it away
                </Button>
              </div>
            </div>
          ) : (
            <div className="flex flex-col items-start gap-3">
              <p className="max-w-140 text-body text-soft">
                Off: your password alone signs you in. With a second factor a stolen password is not enough.
              </p>
              <Button kind="primary" onClick={() => setQuestion("enrol")}>
                Set up a second factor
              </Button>
            </div>
          )
        }
      </Answered>
      {question === "enrol" && (
        <Dialog title="Set up a second factor" onClose={() => setQuestion(null)} isHeld>
          <Enrolment
            onDone={() => {
              close();
              toast("ok", "Your second factor is on.");
            }}
            onCancel={() => setQuestion(null)}
          />
        </Dialog>
      )}
      {question === "renew" &&
        (codes ? (
          <Dialog title="New recovery codes" onClose={close} isHeld>
            <RecoveryCodes codes={codes} onDone={close} />
          </Dialog>
        ) : (
          <Confirm
            title="New recovery codes"
            submit="Make new ones"
            busy="Making"
            act={() => act(RENEW_RECOVERY_CODES, {})}
            onDone={(payload) => setCodes(payload.recoveryCodes)}
            onClose={close}
          >
            <p>Ten new codes take the place of those you have: the old ones are void at once.</p>
          </Confirm>
        ))}
      {question === "disable" && (
        <Dialog title="Remove the second factor" onClose={close}>
          <p className="text-body text-soft">Your password alone will sign you in, in every firm that you belong to.</p>
          <ActForm
            submit="Take it away"
            busy="Taking it away"
            kind="danger"
            act={(form) =>
              act(DISABLE_TWO_FACTOR, { input: { password: secretOf(form, "password"), code: textOf(form, "code") } })
            }
            onDone={() => {
              close();
              toast("ok", "Your second factor is off.");
            }}
            onCancel={close}
          >
            <TextField name="password" label="Password" type="password" autoComplete="current-password" isFirst />
            <TextField name="code" label="Code, or a recovery code" autoComplete="one-time-code" />
          </ActForm>
        </Dialog>
      )}
    </Section>
  );
}

function SessionsSection(): JSX.Element {
  const answer = useAnswer(SESSIONS, {}, { everyMs: LOOK_EVERY_MS });
  const [ending, setEnding] = useState<Session | null>(null);
  const [endsAll, setEndsAll] = useState(false);
  return (
    <Section
      title="Sessions"
      about="Where you are signed in to this firm."
      answer={answer}
      isTable
      actions={
        <Button kind="dangerWord" onClick={() => setEndsAll(true)}>
          Sign out everywhere
        </Button>
      }
    >
      <Answered
        answer={answer}
        what="your sessions"
        empty={({ sessions }) => (sessions.length === 0 ? { title: "No sessions: you use an API key." } : null)}
      >
        {({ sessions }) => <Table label="Sessions" columns={sessionColumns(setEnding)} rows={sessions} rowKey={(row) => row.id} />}
      </Answered>
      {ending && (
        <Confirm
          title="End the session"
          submit="End it"
          busy="Ending"
          isDangerous
          act={() => act(REVOKE_SESSION, { input: { sessionId: ending.id } })}
          onDone={() => {
            setEnding(null);
            answer.reload();
            toast("ok", "The session has ended.");
          }}
          onClose={() => setEnding(null)}
        >
          <p>
            {agentInWords(ending.userAgent)} at {ending.ipAddress} is signed out within five seconds.
          </p>
        </Confirm>
      )}
      {endsAll && (
        <Confirm
          title="Sign out everywhere"
          submit="Sign out everywhere"
          busy="Signing out"
          isDangerous
          act={() => act(LOGOUT_EVERYWHERE, {})}
          onDone={() => void signOut()}
          onClose={() => setEndsAll(false)}
        >
          <p>All your sessions end, in all firms, this one too. API keys go on.</p>
        </Confirm>
      )}
    </Section>
  );
}

function sessionColumns(onEnd: (session: Session) => void): Column<Session>[] {
  return [
    { key: "agent", header: "Signed in with", cell: (row) => <span title={row.userAgent}>{agentInWords(row.userAgent)}</span> },
    { key: "address", header: "Address", cell: (row) => row.ipAddress },
    { key: "since", header: "Since", cell: (row) => formatTime(row.createdAt), className: "max-sm:hidden" },
    { key: "seen", header: "Last seen", cell: (row) => formatTime(row.lastSeenAt), className: "max-sm:hidden" },
    {
      key: "act",
      header: "",
      isNumber: true,
      cell: (row) =>
        row.current ? (
          <span className="text-faint">This one</span>
        ) : (
          <Button kind="dangerWord" onClick={() => onEnd(row)}>
            End
          </Button>
        ),
    },
  ];
}
