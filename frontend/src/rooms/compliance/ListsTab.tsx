/** Restricted lists: what they keep out, their entries, their versions, and files of them. */
import type { JSX } from "react";

import { act } from "../../shared/act/act";
import { useEditing } from "../../shared/act/useEditing";
import { Button } from "../../shared/controls/Button";
import { Dialog } from "../../shared/controls/Dialog";
import { ActForm, CheckField, TextField, textOf } from "../../shared/controls/Form";
import { formatTime } from "../../shared/format/time";
import { useActors } from "../../shared/identity/actors";
import { usePageSearch } from "../../shared/page/search";
import { Answered, Section } from "../../shared/query/Answered";
import { More } from "../../shared/query/More";
import { pageOfConnection, usePages } from "../../shared/query/usePages";
import { Status } from "../../shared/table/Status";
import { actsColumn } from "../../shared/table/actsColumn";
import { Table, type Column } from "../../shared/table/Table";
import { LISTS, SET_LIST, type RestrictedList } from "./documents";
import { ListEntries } from "./ListEntries";

const PAGE = 50;

export function ListsTab(): JSX.Element {
  const pages = usePages(LISTS, { first: PAGE }, { pageOf: (data) => pageOfConnection(data.restrictedLists) });
  const [search, patch] = usePageSearch();
  const nameOfActor = useActors();
  const acts = useEditing<RestrictedList>(pages.reload);
  const { editing, close, done } = acts;
  const opened = pages.data?.rows.find((list) => list.id === search["list"]);
  return (
    <>
      <Section
        title="Restricted lists"
        about="What a list keeps out holds for all accounts from the moment that a change is answered. Orders at the broker already stay there."
        answer={pages}
        isTable
        actions={
          <Button kind="primary" onClick={acts.make}>
            New list
          </Button>
        }
      >
        <Answered answer={pages} what="the restricted lists" empty={({ rows }) => (rows.length > 0 ? null : { title: "No restricted lists.", words: "Every instrument may be traded, as far as compliance is concerned." })}>
          {({ rows }) => (
            <>
              <Table label="Restricted lists" file="restricted-lists" columns={columnsOf(nameOfActor, (list) => patch({ list: list.id }), acts.edit)} rows={rows} rowKey={(row) => row.id} />
              <More pages={pages} what="lists" />
            </>
          )}
        </Answered>
      </Section>
      {opened && <ListEntries key={opened.id} list={opened} nameOfActor={nameOfActor} onChanged={pages.reload} />}
      {editing && (
        <ListDialog
          list={editing === "new" ? null : editing}
          onDone={(id) => {
            done("The list is saved");
            patch({ list: id });
          }}
          onClose={close}
        />
      )}
    </>
  );
}

function ListDialog({ list, onDone, onClose }: { list: RestrictedList | null; onDone: (id: string) => void; onClose: () => void }): JSX.Element {
  return (
    <Dialog title={list ? "Change the list" : "New restricted list"} onClose={onClose}>
      <ActForm
        submit="Save"
        busy="Saving"
        act={(form) =>
          act(SET_LIST, {
            input: {
              ...(list ? { id: list.id, expectedVersion: list.version } : {}),
              name: textOf(form, "name"),
              description: textOf(form, "description"),
              isActive: form.get("isActive") !== null,
              isReasonVisible: form.get("isReasonVisible") !== null,
              reason: textOf(form, "reason"),
            },
          })
        }
        onDone={({ restrictedList }) => onDone(restrictedList?.id ?? "")}
        onCancel={onClose}
      >
        <TextField name="name" label="Name" defaultValue={list?.name ?? ""} maxLength={100} isFirst />
        <TextField name="description" label="What it is for" defaultValue={list?.description ?? ""} maxLength={500} isOptional />
        <CheckField name="isActive" label="Active" defaultChecked={list?.isActive ?? true} />
        <CheckField name="isReasonVisible" label="Tell a refused trader the reason of the entry" defaultChecked={list?.isReasonVisible ?? false} />
        <TextField name="reason" label="Why" hint="It stays with the version" maxLength={500} />
      </ActForm>
    </Dialog>
  );
}

function columnsOf(nameOfActor: (actor: string | null) => string, onOpen: (list: RestrictedList) => void, onEdit: (list: RestrictedList) => void): Column<RestrictedList>[] {
  return [
    {
      key: "name",
      header: "List",
      text: (row) => row.name,
      cell: (row) => (
        <Button kind="word" onClick={() => onOpen(row)}>
          {row.name}
        </Button>
      ),
    },
    { key: "description", header: "For", text: (row) => row.description, cell: (row) => <span className="text-soft">{row.description}</span>, className: "max-md:hidden" },
    { key: "entries", header: "Entries", cell: (row) => row.entryCount, isNumber: true },
    { key: "state", header: "State", text: (row) => (row.isActive ? "on" : "off"), cell: (row) => (row.isActive ? <Status tone="ok" label="Active" /> : <Status tone="ended" label="Inactive" />), className: "max-sm:hidden" },
    { key: "told", header: "Traders learn", cell: (row) => (row.isReasonVisible ? "The reason" : "Only that it was refused"), className: "max-md:hidden" },
    { key: "version", header: "Version", cell: (row) => row.version, isNumber: true, className: "max-sm:hidden" },
    { key: "changed", header: "Changed", text: (row) => row.updatedAt, cell: (row) => `${nameOfActor(row.changedBy)}, ${formatTime(row.updatedAt)}`, className: "max-md:hidden" },
    actsColumn({ edit: onEdit }),
  ];
}
