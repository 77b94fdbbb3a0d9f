/** Roles: what the built-in ones allow, and those of the firm's own. */
import type { JSX } from "react";

import { act } from "../../shared/act/act";
import { useEditing, type Editing } from "../../shared/act/useEditing";
import { Button } from "../../shared/controls/Button";
import { Confirm } from "../../shared/controls/Confirm";
import { Dialog } from "../../shared/controls/Dialog";
import { Facts } from "../../shared/controls/Facts";
import { ActForm, TextField, textOf } from "../../shared/controls/Form";
import { formatTime } from "../../shared/format/time";
import { ScopeField, scopesOf } from "../../shared/identity/fields";
import { ROLES as BUILT_IN, scopeInWords, type Scope } from "../../shared/identity/scopes";
import { Answered, Section } from "../../shared/query/Answered";
import { useAnswer } from "../../shared/query/useAnswer";
import { useViewer } from "../../shared/session/viewer";
import { actsColumn } from "../../shared/table/actsColumn";
import { Table, type Column } from "../../shared/table/Table";
import { Words } from "../../shared/table/Words";
import { CREATE_ROLE, DELETE_ROLE, ROLES, UPDATE_ROLE, type CustomRole } from "./documents";

export function RolesTab(): JSX.Element {
  const answer = useAnswer(ROLES, {});
  const own = useViewer().viewer?.scopes ?? [];
  const acts = useEditing<CustomRole>(answer.reload);
  const { editing, deleting, close, done } = acts;

  return (
    <>
      <Section
        title="Roles of your own"
        about="A named set of scopes, within what you have yourself. A change holds for all who have the role within five seconds."
        answer={answer}
        isTable
        actions={
          <Button kind="primary" onClick={acts.make}>
            New role
          </Button>
        }
      >
        <Answered
          answer={answer}
          what="the roles"
          empty={({ customRoles }) =>
            customRoles.length === 0
              ? { title: "No roles of your own yet.", words: "The built-in ones below fit most desks. Make one where they do not." }
              : null
          }
        >
          {({ customRoles }) => <Table label="Roles of your own" file="roles" columns={roleColumns(acts)} rows={customRoles} rowKey={(row) => row.id} />}
        </Answered>
      </Section>
      <Section title="Built-in roles">
        <Facts label="Built-in roles" facts={BUILT_IN.map(({ label, meaning }) => [label, meaning])} />
      </Section>
      {editing && (
        <Dialog title={editing === "new" ? "New role" : `Change ${editing.name}`} onClose={close} isWide>
          <ActForm
            submit="Save"
            busy="Saving"
            act={async (form) => {
              const input = { name: textOf(form, "name"), scopes: scopesOf(form) };
              if (editing === "new") return await act(CREATE_ROLE, { input });
              return await act(UPDATE_ROLE, { input: { roleId: editing.id, ...input } });
            }}
            onDone={() => done(editing === "new" ? "The role is there." : "The role is changed.")}
            onCancel={close}
          >
            <TextField name="name" label="Name" defaultValue={editing === "new" ? "" : editing.name} maxLength={64} isFirst />
            <ScopeField own={own} chosen={editing === "new" ? [] : editing.scopes} />
          </ActForm>
        </Dialog>
      )}
      {deleting && (
        <Confirm
          title={`Delete ${deleting.name}`}
          submit="Delete"
          busy="Deleting"
          isDangerous
          act={() => act(DELETE_ROLE, { input: { roleId: deleting.id } })}
          onDone={() => done("The role is gone.")}
          onClose={close}
        >
          <p>It goes only when no member and no open invitation has it.</p>
        </Confirm>
      )}
    </>
  );
}

function scopesInWords(scopes: readonly Scope[]): string {
  return scopes.length === 0 ? "Nothing" : scopes.map(scopeInWords).join(", ");
}

function roleColumns(acts: Editing<CustomRole>): Column<CustomRole>[] {
  return [
    { key: "name", header: "Name", cell: (row) => row.name },
    { key: "scopes", header: "Allows", text: (row) => scopesInWords(row.scopes), cell: (row) => <Words>{scopesInWords(row.scopes)}</Words> },
    { key: "changed", header: "Changed", text: (row) => row.updatedAt, cell: (row) => formatTime(row.updatedAt), className: "max-sm:hidden" },
    actsColumn(acts),
  ];
}
