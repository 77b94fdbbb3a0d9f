/** Which orders need a second person. */
import { useState, type JSX } from "react";

import { act, refused } from "../../shared/act/act";
import { useEditing, type Editing } from "../../shared/act/useEditing";
import { Button } from "../../shared/controls/Button";
import { Confirm } from "../../shared/controls/Confirm";
import { Dialog } from "../../shared/controls/Dialog";
import { ActForm, AreaField, CheckField, SelectField, TextField, textOf, textOrNull } from "../../shared/controls/Form";
import type { VariablesOf } from "../../shared/graphql/document";
import { Answered, Section } from "../../shared/query/Answered";
import { More } from "../../shared/query/More";
import { useAnswer } from "../../shared/query/useAnswer";
import { pageOfConnection, usePages } from "../../shared/query/usePages";
import { useMay } from "../../shared/session/viewer";
import { Status } from "../../shared/table/Status";
import { actsColumn } from "../../shared/table/actsColumn";
import { Table, type Column } from "../../shared/table/Table";
import { Words } from "../../shared/table/Words";
import { DELETE_POLICY, GRANTABLE_ACCOUNTS, POLICIES, SET_POLICY, type Account, type Policy } from "./documents";
import { conditionInWords, expiryInWords, readWindows, writeWindows } from "./policies";

const PAGE = 50;
const OWN_ZONE = new Intl.DateTimeFormat().resolvedOptions().timeZone;
const EXPIRY_MINUTES_DEFAULT = 15;

type PolicyInput = VariablesOf<typeof SET_POLICY>["input"];

export function PoliciesTab(): JSX.Element {
  const pages = usePages(POLICIES, { first: PAGE }, { pageOf: (data) => pageOfConnection(data.approvalPolicies) });
  const accounts = useAnswer(GRANTABLE_ACCOUNTS, {}).data?.brokerAccounts ?? [];
  const mayChange = useMay("MANAGE_RISK");
  const acts = useEditing<Policy>(pages.reload);
  const { editing, deleting, close, done } = acts;
  const numbers = new Map(accounts.map((account) => [account.id, account.accountNumber]));

  return (
    <Section
      title="Approval policies"
      about="An order that meets one waits until another person than who placed it says yes. They hold for orders from now on; cancels and closes never wait."
      answer={pages}
      isTable
      actions={
        mayChange && (
          <Button kind="primary" onClick={acts.make}>
            New policy
          </Button>
        )
      }
    >
      <Answered
        answer={pages}
        what="the approval policies"
        empty={({ rows }) =>
          rows.length === 0 ? { title: "No policies.", words: "Orders leave as soon as risk has passed them; nobody has to approve." } : null
        }
      >
        {({ rows }) => (
          <>
            <Table label="Approval policies" file="approval-policies" columns={policyColumns(numbers, mayChange ? acts : null)} rows={rows} rowKey={(row) => row.id} />
            <More pages={pages} what="policies" />
          </>
        )}
      </Answered>
      {editing && <PolicyDialog policy={editing === "new" ? null : editing} accounts={accounts} onDone={done} onClose={close} />}
      {deleting && (
        <Confirm
          title="Delete the policy"
          submit="Delete"
          busy="Deleting"
          isDangerous
          reason="Reason"
          isReasonOptional
          act={(reason) =>
            act(DELETE_POLICY, { input: { id: deleting.id, expectedVersion: deleting.version, reason: reason || null } })
          }
          onDone={() => done("The policy is gone.")}
          onClose={close}
        >
          <p>{conditionInWords(deleting)}. Orders that wait under it still need their approval.</p>
        </Confirm>
      )}
    </Section>
  );
}

interface PolicyDialogProps {
  policy: Policy | null;
  accounts: readonly Account[];
  onDone: (words: string) => void;
  onClose: () => void;
}

function PolicyDialog({ policy, accounts, onDone, onClose }: PolicyDialogProps): JSX.Element {
  const [hasHours, setHasHours] = useState(Boolean(policy?.hours));
  return (
    <Dialog title={policy ? "Change the policy" : "New policy"} onClose={onClose} isWide>
      <ActForm
        submit="Save"
        busy="Saving"
        act={async (form) => {
          const read = readInput(form, policy, hasHours);
          return "problem" in read ? refused(read.problem) : await act(SET_POLICY, { input: read.input });
        }}
        onDone={() => onDone(policy ? "The policy is changed." : "The policy holds from now on.")}
        onCancel={onClose}
      >
        <SelectField
          name="accountId"
          label="Of"
          defaultValue={policy?.accountId ?? ""}
          choices={[
            { value: "", label: "All accounts" },
            ...accounts.map(({ id, accountNumber, label }) => ({ value: id, label: label ? `${accountNumber} · ${label}` : accountNumber })),
          ]}
        />
        <div className="grid gap-3 sm:grid-cols-2">
          <TextField
            name="notional"
            label="Orders worth more than"
            inputMode="decimal"
            hint="Nothing for every order, or by the hours alone"
            defaultValue={policy?.notional ?? ""}
            isOptional
          />
          <TextField name="currency" label="Currency" defaultValue={policy?.currency ?? "USD"} maxLength={3} isOptional />
        </div>
        <CheckField name="hasHours" label="Orders outside hours" defaultChecked={hasHours} onChange={setHasHours} />
        {hasHours && (
          <div className="grid gap-3 sm:grid-cols-2">
            <TextField name="timeZone" label="Time zone" defaultValue={policy?.hours?.timeZone ?? OWN_ZONE} />
            <AreaField
              name="windows"
              label="Hours within which nobody is needed"
              hint="One on a line: weekdays from 1, Monday, then hours"
              defaultValue={policy?.hours ? writeWindows(policy.hours.windows) : "1-5 09:00-17:30"}
              rows={3}
            />
          </div>
        )}
        <div className="grid gap-3 sm:grid-cols-2">
          <TextField
            name="expirySeconds"
            label="An order waits, minutes"
            inputMode="decimal"
            hint="Then it ends EXPIRED"
            defaultValue={String((policy?.expirySeconds ?? EXPIRY_MINUTES_DEFAULT * 60) / 60)}
            pattern="[0-9]+(\.[0-9]+)?"
          />
          <TextField name="reason" label="Reason" defaultValue={policy?.reason ?? ""} maxLength={500} isOptional />
        </div>
        <CheckField name="isActive" label="On" defaultChecked={policy?.isActive ?? true} />
      </ActForm>
    </Dialog>
  );
}

function readInput(form: FormData, policy: Policy | null, hasHours: boolean): { input: PolicyInput } | { problem: string } {
  const read = hasHours ? readWindows(textOf(form, "windows")) : null;
  if (read && "problem" in read) return read;
  const notional = textOrNull(form, "notional");
  return {
    input: {
      ...(policy ? { id: policy.id, expectedVersion: policy.version } : {}),
      accountId: textOrNull(form, "accountId"),
      strategyId: policy?.strategyId ?? null,
      notional,
      currency: notional === null ? null : textOf(form, "currency").toUpperCase(),
      hours: read ? { timeZone: textOf(form, "timeZone"), windows: read.windows } : null,
      expirySeconds: Math.round(Number(textOf(form, "expirySeconds")) * 60),
      isActive: form.get("isActive") !== null,
      reason: textOrNull(form, "reason"),
    },
  };
}

function policyColumns(numbers: ReadonlyMap<string, string>, acts: Editing<Policy> | null): Column<Policy>[] {
  return [
    { key: "what", header: "An order needs a second person when it is", text: (row) => conditionInWords(row), cell: (row) => <Words>{conditionInWords(row)}</Words> },
    { key: "account", header: "Of", cell: (row) => (row.accountId === null ? "All accounts" : (numbers.get(row.accountId) ?? "Another account")) },
    { key: "expiry", header: "Waits", cell: (row) => expiryInWords(row.expirySeconds), isNumber: true, className: "max-sm:hidden" },
    {
      key: "state",
      header: "State",
      text: (row) => (row.isActive ? "on" : "off"),
      cell: (row) => (row.isActive ? <Status tone="ok" label="On" /> : <Status tone="ended" label="Off" />),
      className: "max-sm:hidden",
    },
    { key: "version", header: "Version", cell: (row) => row.version, isNumber: true, className: "max-md:hidden" },
    ...(acts === null ? [] : [actsColumn(acts)]),
  ];
}
