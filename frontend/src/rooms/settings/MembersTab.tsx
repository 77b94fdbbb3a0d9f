/** The people of the firm: members with roles and grants, invitations, and files of both. */
import { useState, type JSX } from "react";

import { act } from "../../shared/act/act";
import { Button } from "../../shared/controls/Button";
import { Confirm } from "../../shared/controls/Confirm";
import { Dialog } from "../../shared/controls/Dialog";
import { ActForm, SelectField, TextField, textOf } from "../../shared/controls/Form";
import { formatTime } from "../../shared/format/time";
import { GrantField, grantsOf } from "../../shared/identity/fields";
import { grantsInWords, nameOf } from "../../shared/identity/scopes";
import { Menu, MenuItem } from "../../shared/overlay/Menu";
import { toast } from "../../shared/overlay/toasts";
import { Answered, Section } from "../../shared/query/Answered";
import { More } from "../../shared/query/More";
import { useAnswer } from "../../shared/query/useAnswer";
import { pageOfList, usePages } from "../../shared/query/usePages";
import { useMay, useViewer } from "../../shared/session/viewer";
import { Status } from "../../shared/table/Status";
import { Table, type Column } from "../../shared/table/Table";
import {
  ERASE_PERSON,
  GRANTABLE_ACCOUNTS,
  INVITATIONS,
  INVITE_MEMBER,
  MEMBERS,
  REMOVE_MEMBER,
  RESEND_INVITATION,
  REVOKE_INVITATION,
  ROLES,
  UPDATE_MEMBER,
  type Account,
  type CustomRole,
  type Invitation,
  type Member,
} from "./documents";
import { MemberFiles } from "./MemberFiles";
import { roleChoiceOf, roleChoices, roleInput, roleNameOf } from "./members";

const PAGE = 200;

type Question = { kind: "edit" | "suspend" | "remove" | "erase"; member: Member };

export function MembersTab(): JSX.Element {
  const members = usePages(MEMBERS, { first: PAGE }, { pageOf: (data) => pageOfList(data.members, PAGE) });
  const invitations = usePages(INVITATIONS, { first: PAGE }, { pageOf: (data) => pageOfList(data.invitations, PAGE) });
  const roles = useAnswer(ROLES, {}).data?.customRoles ?? [];
  const accounts = useAnswer(GRANTABLE_ACCOUNTS, {}).data?.brokerAccounts ?? [];
  const [isInviting, setIsInviting] = useState(false);
  const [question, setQuestion] = useState<Question | null>(null);

  function reload(): void {
    members.reload();
    invitations.reload();
  }

  return (
    <>
      <Section
        title="Members"
        answer={members}
        isTable
        actions={
          <Button kind="primary" onClick={() => setIsInviting(true)}>
            Invite somebody
          </Button>
        }
      >
        <Answered answer={members} what="the members">
          {({ rows }) => (
            <>
              <Table label="Members" columns={memberColumns(accounts, setQuestion)} rows={rows} rowKey={(row) => row.id} />
              <More pages={members} what="members" />
            </>
          )}
        </Answered>
      </Section>
      <InvitationsSection invitations={invitations} accounts={accounts} onChanged={reload} />
      <MemberFiles onChanged={reload} />
      {isInviting && (
        <InviteDialog roles={roles} accounts={accounts} onChanged={invitations.reload} onClose={() => setIsInviting(false)} />
      )}
      {question && (
        <MemberQuestion
          question={question}
          roles={roles}
          accounts={accounts}
          onClose={() => setQuestion(null)}
          onDone={(words) => {
            setQuestion(null);
            reload();
            toast("ok", words);
          }}
        />
      )}
    </>
  );
}

function numbersOf(accounts: readonly Account[]): ReadonlyMap<string, string> {
  return new Map(accounts.map((account) => [account.id, account.accountNumber]));
}

function memberColumns(accounts: readonly Account[], ask: (question: Question) => void): Column<Member>[] {
  const numbers = numbersOf(accounts);
  return [
    {
      key: "name",
      header: "Name",
      cell: (row) => (
        <span className="inline-flex max-w-60 flex-col max-sm:max-w-40 max-sm:py-1">
          <span className="truncate" title={nameOf(row.user)}>
            {nameOf(row.user)}
          </span>
          <span className="truncate text-micro text-faint sm:hidden">{row.user.email}</span>
        </span>
      ),
    },
    { key: "email", header: "E-mail", cell: (row) => <span className="inline-block max-w-80 truncate align-bottom" title={row.user.email}>{row.user.email}</span>, className: "max-sm:hidden" },
    { key: "role", header: "Role", cell: roleNameOf },
    { key: "accounts", header: "Accounts", cell: (row) => grantsInWords(row.accounts, numbers), className: "max-md:hidden" },
    {
      key: "factor",
      header: "Second factor",
      cell: (row) => (row.user.twoFactorEnabled ? <Status tone="ok" label="On" /> : <Status tone="ended" label="Off" />),
      className: "max-md:hidden",
    },
    {
      key: "state",
      header: "State",
      cell: (row) => (row.isActive ? <Status tone="ok" label="Active" /> : <Status tone="warn" label="Suspended" />),
      className: "max-sm:hidden",
    },
    { key: "act", header: "", isNumber: true, cell: (row) => <MemberActs member={row} ask={ask} /> },
  ];
}

function MemberActs({ member, ask }: { member: Member; ask: (question: Question) => void }): JSX.Element {
  const { viewer } = useViewer();
  const mayErase = useMay("ADMIN_TENANT");
  if (viewer?.user?.id === member.user.id) return <span className="text-faint">You</span>;
  return (
    <span className="inline-flex gap-3">
      <Button kind="word" onClick={() => ask({ kind: "edit", member })}>
        Change
      </Button>
      <Menu label={`More about ${nameOf(member.user)}`} button="More" buttonClass="min-h-6 text-small text-accent underline-offset-2 hover:underline" align="end">
        {(close) => (
          <>
            {(
              [
                ["suspend", member.isActive ? "Suspend" : "Admit again"],
                ["remove", "Remove"],
                ...(mayErase ? [["erase", "Erase for good"] as const] : []),
              ] as const
            ).map(([kind, label]) => (
              <MenuItem
                key={kind}
                onClick={() => {
                  close();
                  ask({ kind, member });
                }}
              >
                {label}
              </MenuItem>
            ))}
          </>
        )}
      </Menu>
    </span>
  );
}

interface MemberQuestionProps {
  question: Question;
  roles: readonly CustomRole[];
  accounts: readonly Account[];
  onDone: (words: string) => void;
  onClose: () => void;
}

function MemberQuestion({ question, roles, accounts, onDone, onClose }: MemberQuestionProps): JSX.Element {
  const { kind, member } = question;
  const name = nameOf(member.user);
  switch (kind) {
    case "edit":
      return <EditDialog {...{ member, roles, accounts, onDone, onClose }} />;
    case "suspend":
      return (
        <Confirm
          title={member.isActive ? `Suspend ${name}` : `Admit ${name} again`}
          submit={member.isActive ? "Suspend" : "Admit again"}
          busy="Saving"
          isDangerous={member.isActive}
          act={() => act(UPDATE_MEMBER, { input: { memberId: member.id, isActive: !member.isActive } })}
          onDone={() => onDone(member.isActive ? `${name} is suspended.` : `${name} is a member again.`)}
          onClose={onClose}
        >
          <p>
            {member.isActive
              ? "Sessions end and keys sleep within five seconds, until they are admitted again. Orders that work go on."
              : "They can sign in again, and their keys work again, with the role and the accounts that they had."}
          </p>
        </Confirm>
      );
    case "remove":
      return (
        <Confirm
          title={`Remove ${name}`}
          submit="Remove"
          busy="Removing"
          isDangerous
          act={() => act(REMOVE_MEMBER, { input: { memberId: member.id } })}
          onDone={() => onDone(`${name} is no member any more.`)}
          onClose={onClose}
        >
          <p>The membership ends with its sessions, and its keys are revoked. What they did stays under their name.</p>
        </Confirm>
      );
    case "erase":
      return (
        <Confirm
          title={`Erase ${name}`}
          submit="Erase for good"
          busy="Erasing"
          isDangerous
          reason="Reason, for the audit log. Name no person"
          typed={{ label: "Type the address to confirm", text: member.user.email }}
          act={(reason) => act(ERASE_PERSON, { input: { userId: member.user.id, reason } })}
          onDone={() => onDone("What told of the person is erased.")}
          onClose={onClose}
        >
          <p>
            The membership ends for good, and what tells of the person is destroyed: names, addresses, telephone numbers.
            Orders and acts stay under an id that leads nowhere. It cannot be undone.
          </p>
        </Confirm>
      );
  }
}

type EditProps = Omit<MemberQuestionProps, "question"> & { member: Member };

function EditDialog({ member, roles, accounts, onDone, onClose }: EditProps): JSX.Element {
  const held = roleChoiceOf(member);
  return (
    <Dialog title={`Change ${nameOf(member.user)}`} onClose={onClose} isWide>
      <ActForm
        submit="Save"
        busy="Saving"
        act={(form) => {
          const role = textOf(form, "role");
          const grants = grantsOf(form);
          return act(UPDATE_MEMBER, {
            input: {
              memberId: member.id,
              ...(role === held ? {} : roleInput(role)),
              ...(grants === null ? (member.accounts === null ? {} : { allAccounts: true }) : { accounts: grants }),
            },
          });
        }}
        onDone={() => onDone(`${nameOf(member.user)} is changed.`)}
        onCancel={onClose}
      >
        <SelectField name="role" label="Role" choices={roleChoices(roles)} defaultValue={held} />
        <GrantField accounts={accounts} grants={member.accounts} all="All accounts, those to come too." />
      </ActForm>
    </Dialog>
  );
}

interface InviteProps {
  roles: readonly CustomRole[];
  accounts: readonly Account[];
  onChanged: () => void;
  onClose: () => void;
}

function InviteDialog({ roles, accounts, onChanged, onClose }: InviteProps): JSX.Element {
  return (
    <Dialog title="Invite somebody" onClose={onClose} isWide>
      <p className="text-body text-soft">A mail offers them the place. Its link works once, for seven days.</p>
      <ActForm
        submit="Send the invitation"
        busy="Sending"
        act={(form) =>
          act(INVITE_MEMBER, {
            input: { email: textOf(form, "email"), ...roleInput(textOf(form, "role")), accounts: grantsOf(form) },
          })
        }
        onDone={(payload) => {
          onChanged();
          onClose();
          toast("ok", `An invitation is on its way to ${payload.invitation?.email ?? "them"}.`);
        }}
        onCancel={onClose}
      >
        <TextField name="email" label="E-mail" type="email" isFirst />
        <SelectField name="role" label="Role" choices={roleChoices(roles)} defaultValue="TRADER" />
        <GrantField accounts={accounts} grants={null} all="All accounts, those to come too." />
      </ActForm>
    </Dialog>
  );
}

interface InvitationsProps {
  invitations: ReturnType<typeof usePages<unknown, { first: number; after?: string | null }, Invitation>>;
  accounts: readonly Account[];
  onChanged: () => void;
}

function InvitationsSection({ invitations, accounts, onChanged }: InvitationsProps): JSX.Element {
  const [revoking, setRevoking] = useState<Invitation | null>(null);
  const numbers = numbersOf(accounts);

  async function resend(invitation: Invitation): Promise<void> {
    const outcome = await act(RESEND_INVITATION, { input: { invitationId: invitation.id } });
    if (outcome.ok) toast("ok", `Another link is on its way to ${invitation.email}. The one before holds no more.`);
    else if (outcome.words) toast("critical", outcome.words);
    onChanged();
  }

  return (
    <Section title="Invitations" answer={invitations} isTable>
      <Answered
        answer={invitations}
        what="the invitations"
        empty={({ rows }) => (rows.length === 0 ? { title: "No invitation is open." } : null)}
      >
        {({ rows }) => (
          <>
            <Table label="Invitations" columns={invitationColumns(numbers, (invitation) => void resend(invitation), setRevoking)} rows={rows} rowKey={(row) => row.id} />
            <More pages={invitations} what="invitations" />
          </>
        )}
      </Answered>
      {revoking && (
        <Confirm
          title="Take the invitation back"
          submit="Take it back"
          busy="Taking it back"
          isDangerous
          act={() => act(REVOKE_INVITATION, { input: { invitationId: revoking.id } })}
          onDone={() => {
            setRevoking(null);
            onChanged();
            toast("ok", `The link that ${revoking.email} has holds no more.`);
          }}
          onClose={() => setRevoking(null)}
        >
          <p>The link that {revoking.email} has holds no more.</p>
        </Confirm>
      )}
    </Section>
  );
}

function invitationColumns(numbers: ReadonlyMap<string, string>, onResend: (invitation: Invitation) => void, onRevoke: (invitation: Invitation) => void): Column<Invitation>[] {
  return [
    { key: "email", header: "E-mail", cell: (row) => row.email },
    { key: "role", header: "Role", cell: roleNameOf },
    { key: "accounts", header: "Accounts", cell: (row) => grantsInWords(row.accounts, numbers), className: "max-md:hidden" },
    { key: "sent", header: "Sent", cell: (row) => formatTime(row.sentAt), className: "max-sm:hidden" },
    { key: "times", header: "Times", cell: (row) => row.timesSent, isNumber: true, className: "max-md:hidden" },
    { key: "until", header: "Until", cell: (row) => formatTime(row.expiresAt), className: "max-sm:hidden" },
    {
      key: "act",
      header: "",
      isNumber: true,
      cell: (row) => (
        <span className="inline-flex gap-3">
          <Button kind="word" onClick={() => onResend(row)}>
            Send again
          </Button>
          <Button kind="dangerWord" onClick={() => onRevoke(row)}>
            Take back
          </Button>
        </span>
      ),
    },
  ];
}
