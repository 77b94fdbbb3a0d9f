/** The firm: its name, what it asks of its members, how long its records are kept, who of the platform was in it, its end. */
import { useState, type JSX } from "react";

import { act } from "../../shared/act/act";
import { Button } from "../../shared/controls/Button";
import { Confirm } from "../../shared/controls/Confirm";
import { Facts } from "../../shared/controls/Facts";
import { ActForm, TextField, textOf } from "../../shared/controls/Form";
import { formatTime } from "../../shared/format/time";
import { scopeInWords } from "../../shared/identity/scopes";
import { toast } from "../../shared/overlay/toasts";
import { Answered, Section } from "../../shared/query/Answered";
import { useAnswer } from "../../shared/query/useAnswer";
import { useMay } from "../../shared/session/viewer";
import { Status } from "../../shared/table/Status";
import { Table, type Column } from "../../shared/table/Table";
import { Words } from "../../shared/table/Words";
import {
  DEACTIVATE_TENANT,
  DEMAND_TWO_FACTOR,
  END_PLATFORM_ENTRY,
  PLATFORM_ENTRIES,
  PROFILE,
  UPDATE_TENANT,
  type PlatformEntry,
  type Viewer,
} from "./documents";
import { PASSWORD_LENGTH, readSettings, SESSION_HOURS, settingsInput } from "./firm";
import { AuditRetentionSection, RecordRetentionSection } from "./RetentionSections";

const ENTRIES = 50;

type Tenant = Viewer["tenant"];

export function FirmTab(): JSX.Element {
  const answer = useAnswer(PROFILE, {});
  const mayAdminister = useMay("ADMIN_TENANT");
  const mayAudit = useMay("VIEW_AUDIT");
  return (
    <Answered answer={answer} what="the firm">
      {({ viewer: { tenant } }) => (
        <>
          {mayAdminister && (
            <>
              <NameSection tenant={tenant} onChanged={answer.reload} />
              <RulesSection tenant={tenant} onChanged={answer.reload} />
              <TwoFactorSection tenant={tenant} onChanged={answer.reload} />
            </>
          )}
          {mayAudit && <AuditRetentionSection mayChange={mayAdminister} />}
          {mayAudit && <RecordRetentionSection mayChange={mayAdminister} />}
          {mayAudit && <EntriesSection mayEnd={mayAdminister} />}
          {mayAdminister && <EndSection tenant={tenant} />}
        </>
      )}
    </Answered>
  );
}

interface TenantProps {
  tenant: Tenant;
  onChanged: () => void;
}

function NameSection({ tenant, onChanged }: TenantProps): JSX.Element {
  return (
    <Section title="Name">
      <ActForm
        className="max-w-108"
        submit="Save"
        busy="Saving"
        done="Saved"
        act={(form) => act(UPDATE_TENANT, { input: { name: textOf(form, "name"), domain: textOf(form, "domain") } })}
        onDone={onChanged}
      >
        <div className="grid gap-3 sm:grid-cols-2">
          <TextField name="name" label="Name" defaultValue={tenant.name} />
          <TextField name="domain" label="Domain" hint="Such as firm.example" defaultValue={tenant.domain ?? ""} isOptional />
        </div>
        <Facts facts={[["Called in a login", tenant.slug]]} />
      </ActForm>
    </Section>
  );
}

function RulesSection({ tenant, onChanged }: TenantProps): JSX.Element {
  const held = readSettings(tenant.settings);
  return (
    <Section title="Rules for members" about="They hold for sign-ins, invitations and passwords from now on.">
      <ActForm
        className="max-w-108"
        submit="Save"
        busy="Saving"
        done="Saved"
        act={(form) =>
          act(UPDATE_TENANT, {
            input: {
              settings: settingsInput({
                sessionHours: textOf(form, "session_hours"),
                passwordLength: textOf(form, "password_length_min"),
                emailDomains: textOf(form, "allowed_email_domains"),
              }),
            },
          })
        }
        onDone={onChanged}
      >
        <div className="grid gap-3 sm:grid-cols-2">
          <TextField
            name="session_hours"
            label="A sign-in lasts, hours"
            type="number"
            min="1"
            max={String(SESSION_HOURS)}
            defaultValue={held.sessionHours}
            isOptional
          />
          <TextField
            name="password_length_min"
            label="A password has at least, characters"
            type="number"
            min={String(PASSWORD_LENGTH)}
            max="64"
            defaultValue={held.passwordLength}
            isOptional
          />
        </div>
        <TextField
          name="allowed_email_domains"
          label="Members have addresses of"
          hint="Domains, separated by commas; nothing for any"
          defaultValue={held.emailDomains}
          isOptional
        />
      </ActForm>
    </Section>
  );
}

function TwoFactorSection({ tenant, onChanged }: TenantProps): JSX.Element {
  const [isAsking, setIsAsking] = useState(false);
  const isDemanded = readSettings(tenant.settings).requiresTwoFactor;
  return (
    <Section title="Second factor">
      <div className="flex flex-wrap items-center gap-3">
        {isDemanded ? <Status tone="ok" label="Demanded of every member" /> : <Status tone="ended" label="Left to each member" />}
        <Button kind={isDemanded ? "danger" : "plain"} onClick={() => setIsAsking(true)}>
          {isDemanded ? "Demand it no more" : "Demand it of everybody"}
        </Button>
      </div>
      {isAsking && (
        <Confirm
          title={isDemanded ? "Demand no second factor" : "Demand a second factor"}
          submit={isDemanded ? "Demand it no more" : "Demand it"}
          busy="Saving"
          isDangerous={isDemanded}
          act={() => act(DEMAND_TWO_FACTOR, { input: { demanded: !isDemanded } })}
          onDone={() => {
            setIsAsking(false);
            onChanged();
            toast("ok", isDemanded ? "A second factor is left to each member." : "Every member needs a second factor now.");
          }}
          onClose={() => setIsAsking(false)}
        >
          <p>
            {isDemanded
              ? "Members may then take theirs away, and sign in with a password alone."
              : "Members who have none can do nothing but set one up, within five seconds. API keys go on. You need one yourself."}
          </p>
        </Confirm>
      )}
    </Section>
  );
}

function EntriesSection({ mayEnd }: { mayEnd: boolean }): JSX.Element {
  const answer = useAnswer(PLATFORM_ENTRIES, { first: ENTRIES });
  const [ending, setEnding] = useState<PlatformEntry | null>(null);
  return (
    <Section
      title="Visits of the platform"
      about="Who runs the installation and was in your firm, and why. What they did is in the audit log."
      answer={answer}
      isTable
    >
      <Answered
        answer={answer}
        what="the visits of the platform"
        empty={({ platformEntries }) => (platformEntries.length === 0 ? { title: "Nobody of the platform was here." } : null)}
      >
        {({ platformEntries }) => (
          <Table label="Visits of the platform" columns={entryColumns(mayEnd, setEnding)} rows={platformEntries} rowKey={(row) => row.id} />
        )}
      </Answered>
      {ending && (
        <Confirm
          title={`Show ${ending.administrator} out`}
          submit="Show out"
          busy="Showing out"
          isDangerous
          act={() => act(END_PLATFORM_ENTRY, { input: { entryId: ending.id } })}
          onDone={() => {
            setEnding(null);
            answer.reload();
            toast("ok", "The visit has ended.");
          }}
          onClose={() => setEnding(null)}
        >
          <p>Their credential for the firm ends at once.</p>
        </Confirm>
      )}
    </Section>
  );
}

function EndSection({ tenant }: { tenant: Tenant }): JSX.Element {
  const [isAsking, setIsAsking] = useState(false);
  return (
    <Section title="Close the firm">
      <p className="mb-3 max-w-140 text-body text-soft">
        No order is accepted from then on, the open ones are canceled, everybody is signed out, and keys lose their power. The
        platform alone opens it again.
      </p>
      <Button kind="danger" onClick={() => setIsAsking(true)}>
        Close the firm
      </Button>
      {isAsking && (
        <Confirm
          title={`Close ${tenant.name}`}
          submit="Close the firm"
          busy="Closing"
          isDangerous
          reason="Reason"
          typed={{ label: `Type ${tenant.slug} to confirm`, text: tenant.slug }}
          act={(reason) => act(DEACTIVATE_TENANT, { input: { confirm: tenant.slug, reason } })}
          onDone={() => location.assign("/sign-in")}
          onClose={() => setIsAsking(false)}
        >
          <p>Positions are not closed: connectors stay and book what the broker still tells.</p>
        </Confirm>
      )}
    </Section>
  );
}

function entryColumns(mayEnd: boolean, onEnd: (entry: PlatformEntry) => void): Column<PlatformEntry>[] {
  return [
    { key: "who", header: "Who", cell: (row) => row.administrator },
    { key: "why", header: "Why", cell: (row) => <Words>{row.reason}</Words> },
    { key: "scopes", header: "With", cell: (row) => row.scopes.map(scopeInWords).join(", "), className: "max-lg:hidden" },
    { key: "from", header: "From", cell: (row) => formatTime(row.createdAt) },
    { key: "to", header: "Until", cell: (row) => formatTime(row.endedAt ?? row.expiresAt), className: "max-sm:hidden" },
    {
      key: "act",
      header: "",
      isNumber: true,
      cell: (row) =>
        mayEnd && row.endedAt === null && new Date(row.expiresAt) > new Date() ? (
          <Button kind="dangerWord" onClick={() => onEnd(row)}>
            Show out
          </Button>
        ) : null,
    },
  ];
}
