/** The audit log: search by what is in the address, what each act changed, whether the chain holds, and the way out. */
import { useEffect, useMemo, useState, type JSX } from "react";

import { Button } from "../../shared/controls/Button";
import { Dialog } from "../../shared/controls/Dialog";
import { INPUT } from "../../shared/controls/Form";
import { formatTime } from "../../shared/format/time";
import { nameOf } from "../../shared/identity/scopes";
import { Page } from "../../shared/page/Page";
import { usePageSearch } from "../../shared/page/search";
import { Answered } from "../../shared/query/Answered";
import { More } from "../../shared/query/More";
import { Stale } from "../../shared/query/Stale";
import { useAnswer } from "../../shared/query/useAnswer";
import { pageOfConnection, usePages } from "../../shared/query/usePages";
import { useMay, useViewer } from "../../shared/session/viewer";
import { Table, type Column } from "../../shared/table/Table";
import { AUDIT_LOG, KEY_NAMES, NAMES, type Entry } from "./documents";
import { EntryDetails } from "./EntryDetails";
import { ExportDialog } from "./ExportDialog";
import { actorInWords, FILTERS, filtersOf, questionOf, type Filter, type Filters } from "./search";
import { VerifyDialog } from "./VerifyDialog";

const PAGE = 100;
const LOOK_EVERY_MS = 15_000;
const MEMBERS_NAMED = 500;

type Open = { kind: "verify" | "export" } | { kind: "entry"; entry: Entry };

export function AuditPage(): JSX.Element {
  const [search, patch] = usePageSearch();
  const filters = filtersOf(search);
  const question = questionOf(filters);
  const pages = usePages(AUDIT_LOG, { ...question, first: PAGE }, { pageOf: (data) => pageOfConnection(data.auditLog), everyMs: LOOK_EVERY_MS });
  const names = useNames();
  const [open, setOpen] = useState<Open | null>(null);
  const isFiltered = Object.keys(filters).length > 0;

  return (
    <Page
      title="Audit"
      tools={<Stale answer={pages} limitMs={3 * LOOK_EVERY_MS} />}
      actions={
        <>
          <Button onClick={() => setOpen({ kind: "verify" })}>Verify the chain</Button>
          <Button onClick={() => setOpen({ kind: "export" })}>Export</Button>
        </>
      }
    >
      <FilterBar key={JSON.stringify(filters)} filters={filters} onSearch={patch} />
      <Answered
        answer={pages}
        what="the audit log"
        empty={({ rows, hasMore }) =>
          rows.length > 0 || hasMore
            ? null
            : isFiltered
              ? { title: "Nothing was done that fits.", words: "An act shows up once it is sealed, about a second after it was done." }
              : { title: "Nothing was done yet." }
        }
      >
        {({ rows }) => (
          <>
            <Table
              label="Audit log"
              columns={columnsOf(names, (entry) => setOpen({ kind: "entry", entry }))}
              rows={rows}
              rowKey={(row) => row.id}
            />
            <More pages={pages} what="entries" />
          </>
        )}
      </Answered>
      {open?.kind === "entry" && (
        <Dialog title={`${open.entry.action}, entry ${open.entry.sequence}`} onClose={() => setOpen(null)} isWide>
          <EntryDetails
            entry={open.entry}
            actor={actorInWords(open.entry.actor, names)}
            onFilter={(changes) => {
              setOpen(null);
              patch(changes);
            }}
          />
        </Dialog>
      )}
      {open?.kind === "verify" && <VerifyDialog onClose={() => setOpen(null)} />}
      {open?.kind === "export" && <ExportDialog question={question} isFiltered={isFiltered} onClose={() => setOpen(null)} />}
    </Page>
  );
}

/** The names of actors, as far as this person may know them. */
function useNames(): ReadonlyMap<string, string> {
  const { viewer } = useViewer();
  const members = useAnswer(NAMES, { first: MEMBERS_NAMED }, { isWanted: useMay("MANAGE_MEMBERS") }).data?.members;
  const keys = useAnswer(KEY_NAMES, {}).data?.apiKeys;
  return useMemo(() => {
    const names = new Map<string, string>();
    for (const { user } of members ?? []) names.set(`user:${user.id}`, nameOf(user));
    for (const { id, name } of keys ?? []) names.set(`key:${id}`, `Key ${name}`);
    if (viewer?.user) names.set(`user:${viewer.user.id}`, "You");
    return names;
  }, [members, keys, viewer]);
}

function columnsOf(names: ReadonlyMap<string, string>, show: (entry: Entry) => void): Column<Entry>[] {
  return [
    { key: "sequence", header: "Entry", isNumber: true, cell: (row) => row.sequence, className: "max-sm:hidden" },
    { key: "time", header: "When", cell: (row) => <time dateTime={row.createdAt} title={row.createdAt}>{formatTime(row.createdAt)}</time> },
    { key: "actor", header: "Who", cell: (row) => <span title={row.actor}>{actorInWords(row.actor, names)}</span> },
    {
      key: "action",
      header: "What",
      cell: (row) => (
        <button type="button" onClick={() => show(row)} className="text-accent underline-offset-2 hover:underline">
          {row.action}
        </button>
      ),
    },
    {
      key: "resource",
      header: "Resource",
      cell: (row) => (
        <span title={row.resourceId ?? undefined}>
          {row.resourceType.replaceAll("_", " ")}
          {row.resourceId !== null && <span className="text-faint"> {row.resourceId.slice(-6)}</span>}
        </span>
      ),
      className: "max-md:hidden",
    },
    { key: "address", header: "From", cell: (row) => row.ipAddress ?? "", className: "max-lg:hidden" },
    {
      key: "request",
      header: "Request",
      cell: (row) => <span className="inline-block max-w-44 truncate align-bottom text-faint">{row.requestId}</span>,
      className: "max-xl:hidden",
    },
  ];
}

const LABELS: Record<Filter, string> = {
  text: "Text",
  action: "Action",
  resourceType: "Kind of thing",
  resourceId: "Id of the thing",
  actor: "Actor",
  requestId: "Request",
  from: "From",
  until: "Until",
};
const EXAMPLES: Partial<Record<Filter, string>> = {
  text: "In action and values",
  action: "order.placed",
  resourceType: "order",
  actor: "user:…",
};

/** Fields take effect with Enter; the address then says them. */
function FilterBar({ filters, onSearch }: { filters: Filters; onSearch: (changes: Filters) => void }): JSX.Element {
  const [isWide, setIsWide] = useState(() => FILTERS.some((name) => name !== "text" && filters[name] !== undefined));
  const shown = isWide ? FILTERS : FILTERS.filter((name) => name === "text");
  useEffect(() => {
    if (FILTERS.some((name) => name !== "text" && filters[name] !== undefined)) setIsWide(true);
  }, [filters]);

  return (
    <search>
      <form
        className="flex flex-wrap items-end gap-x-3 gap-y-2 border-b border-line px-4 py-2"
        onSubmit={(event) => {
          event.preventDefault();
          const form = new FormData(event.currentTarget);
          onSearch(Object.fromEntries(FILTERS.map((name) => [name, String(form.get(name) ?? "")])));
        }}
      >
        {shown.map((name) => (
          <label key={name} className={`flex flex-col gap-0.5 text-micro text-faint ${name === "text" ? "w-60 max-sm:w-full" : "w-36 max-sm:w-[calc(50%-6px)]"}`}>
            {LABELS[name]}
            <input
              name={name}
              type={name === "text" ? "search" : name === "from" || name === "until" ? "date" : "text"}
              defaultValue={filters[name] ?? ""}
              placeholder={EXAMPLES[name]}
              spellCheck={false}
              autoComplete="off"
              className={INPUT}
            />
          </label>
        ))}
        <Button type="submit">Search</Button>
        <Button kind="word" aria-expanded={isWide} onClick={() => setIsWide(!isWide)}>
          {isWide ? "Fewer filters" : "More filters"}
        </Button>
        {Object.keys(filters).length > 0 && (
          <Button kind="word" onClick={() => onSearch(Object.fromEntries(FILTERS.map((name) => [name, ""])))}>
            Clear
          </Button>
        )}
      </form>
    </search>
  );
}
