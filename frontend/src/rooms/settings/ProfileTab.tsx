/** Who one is: name and telephone, the address that one signs in with, memberships, and how the pages look. */
import type { JSX } from "react";

import { act } from "../../shared/act/act";
import { Button } from "../../shared/controls/Button";
import { Facts } from "../../shared/controls/Facts";
import { ActForm, secretOf, SelectField, TextField, textOf, textOrNull } from "../../shared/controls/Form";
import { roleInWords } from "../../shared/identity/scopes";
import { toast } from "../../shared/overlay/toasts";
import { usePreferencesFailure } from "../../shared/preferences/preferences";
import { Answered, Section } from "../../shared/query/Answered";
import { useAnswer } from "../../shared/query/useAnswer";
import { loadViewer } from "../../shared/session/viewer";
import { Status } from "../../shared/table/Status";
import {
  chooseDensity,
  choosePnlColours,
  chooseTheme,
  useDensity,
  usePnlColours,
  useThemeChoice,
  type Density,
  type PnlColours,
  type ThemeChoice,
} from "../../shared/theme/theme";
import { CHANGE_EMAIL, PROFILE, REQUEST_EMAIL_VERIFICATION, UPDATE_PROFILE, type Viewer } from "./documents";

type Person = NonNullable<Viewer["user"]>;

export function ProfileTab(): JSX.Element {
  const answer = useAnswer(PROFILE, {});
  return (
    <Answered answer={answer} what="your profile">
      {({ viewer }) => (
        <>
          {viewer.user === null ? (
            <Section title="Signed in with an API key">
              <p className="text-body text-soft">
                This is the key {viewer.apiKey?.name}. A key has no profile, password or second factor: sign in with your e-mail
                and password to change yours.
              </p>
            </Section>
          ) : (
            <>
              <PersonSection person={viewer.user} onChanged={() => (answer.reload(), void loadViewer())} />
              <AddressSection person={viewer.user} />
            </>
          )}
          <LookSection />
          <FirmsSection viewer={viewer} />
        </>
      )}
    </Answered>
  );
}

function PersonSection({ person, onChanged }: { person: Person; onChanged: () => void }): JSX.Element {
  return (
    <Section title="Profile">
      <ActForm
        key={person.id}
        className="max-w-108"
        submit="Save"
        busy="Saving"
        done="Saved"
        act={(form) =>
          act(UPDATE_PROFILE, {
            input: {
              firstName: textOf(form, "firstName"),
              lastName: textOf(form, "lastName"),
              phone: textOrNull(form, "phone"),
            },
          })
        }
        onDone={onChanged}
      >
        <div className="grid gap-3 sm:grid-cols-2">
          <TextField name="firstName" label="First name" defaultValue={person.firstName} autoComplete="given-name" />
          <TextField name="lastName" label="Last name" defaultValue={person.lastName} autoComplete="family-name" />
        </div>
        <TextField
          name="phone"
          label="Telephone"
          type="tel"
          hint="With its country, such as +41 44 668 18 00"
          defaultValue={person.phoneNumber ?? ""}
          autoComplete="tel"
          isOptional
        />
      </ActForm>
    </Section>
  );
}

function AddressSection({ person }: { person: Person }): JSX.Element {
  async function verify(): Promise<void> {
    const outcome = await act(REQUEST_EMAIL_VERIFICATION, {});
    if (outcome.ok) toast("ok", `A link is on its way to ${person.email}.`);
    else if (outcome.words) toast("critical", outcome.words);
  }

  return (
    <Section title="E-mail address">
      <div className="mb-3 flex flex-wrap items-center gap-3 text-body">
        <span className="wrap-anywhere">{person.email}</span>
        {person.emailVerified ? (
          <Status tone="ok" label="Confirmed" />
        ) : (
          <>
            <Status tone="warn" label="Not confirmed" />
            <Button kind="word" onClick={() => void verify()}>
              Send the link
            </Button>
          </>
        )}
      </div>
      <ActForm
        className="max-w-108"
        submit="Change the address"
        busy="Sending"
        kind="plain"
        done="A link is on its way to the new address. It changes when that is opened."
        isCleared
        act={(form) => act(CHANGE_EMAIL, { input: { newEmail: textOf(form, "newEmail"), password: secretOf(form, "password") } })}
        onDone={() => undefined}
      >
        <div className="grid gap-3 sm:grid-cols-2">
          <TextField name="newEmail" label="New address" type="email" />
          <TextField name="password" label="Your password" type="password" autoComplete="current-password" />
        </div>
      </ActForm>
    </Section>
  );
}

function LookSection(): JSX.Element {
  const failure = usePreferencesFailure();
  return (
    <Section title="Appearance" about="Kept in your profile: every browser that you sign in with has it.">
      <div className="grid max-w-160 gap-3 sm:grid-cols-3">
        <SelectField
          name="theme"
          label="Theme"
          value={useThemeChoice()}
          onChange={(value) => chooseTheme(value as ThemeChoice)}
          choices={[
            { value: "system", label: "As the system" },
            { value: "dark", label: "Dark" },
            { value: "light", label: "Light" },
          ]}
        />
        <SelectField
          name="density"
          label="Rows"
          value={useDensity()}
          onChange={(value) => chooseDensity(value as Density)}
          choices={[
            { value: "dense", label: "Dense" },
            { value: "roomy", label: "Roomy" },
          ]}
        />
        <SelectField
          name="pnl"
          label="Gains and losses"
          value={usePnlColours()}
          onChange={(value) => choosePnlColours(value as PnlColours)}
          choices={[
            { value: "blue-orange", label: "Blue and orange" },
            { value: "green-red", label: "Green and red" },
          ]}
        />
      </div>
      <p role="alert" className="mt-2 text-small text-critical empty:hidden">
        {failure}
      </p>
    </Section>
  );
}

function FirmsSection({ viewer }: { viewer: Viewer }): JSX.Element {
  return (
    <Section title="Firms" about="A sign-in is for one firm. Sign out to sign in to another.">
      <Facts
        label="Firms"
        facts={viewer.memberships.map((each) => [
          each.tenant.id === viewer.tenant.id ? `${each.tenant.name} (this one)` : each.tenant.name,
          `${each.customRole?.name ?? roleInWords(each.role)} · ${each.tenant.slug}`,
        ])}
      />
    </Section>
  );
}
