/** Days on which an exchange keeps other hours than the broker told. */
import { useState, type JSX } from "react";

import { act } from "../../shared/act/act";
import { exportCsv } from "../../shared/act/exportCsv";
import { Button } from "../../shared/controls/Button";
import { Confirm } from "../../shared/controls/Confirm";
import { Dialog } from "../../shared/controls/Dialog";
import { FileDialog } from "../../shared/controls/FileDialog";
import { ActForm, CheckField, TextField, textOf, textOrNull } from "../../shared/controls/Form";
import { useActors } from "../../shared/identity/actors";
import { toast } from "../../shared/overlay/toasts";
import { usePageSearch } from "../../shared/page/search";
import { Answered, Section } from "../../shared/query/Answered";
import { More } from "../../shared/query/More";
import { pageOfConnection, usePages } from "../../shared/query/usePages";
import { useMay } from "../../shared/session/viewer";
import { Status } from "../../shared/table/Status";
import { Table, type Column } from "../../shared/table/Table";
import { Words } from "../../shared/table/Words";
import { CALENDAR, EXPORT_CALENDAR, IMPORT_CALENDAR, SET_DAYS, type Day } from "./documents";
import { TIME_PATTERN } from "./words";

const PAGE = 100;

export function CalendarTab(): JSX.Element {
  const [search, patch] = usePageSearch();
  const exchange = search["exchange"]?.trim().toUpperCase() ?? "";
  const pages = usePages(CALENDAR, { exchange: exchange || null, first: PAGE }, { pageOf: (data) => pageOfConnection(data.calendarDays) });
  const mayManage = useMay("MANAGE_RISK");
  const nameOfActor = useActors();
  const [open, setOpen] = useState<"new" | "import" | Day | null>(null);
  function done(words: string): void {
    setOpen(null);
    pages.reload();
    toast("ok", words);
  }
  return (
    <>
      <Section
        title="Calendar"
        about="Hours come from the broker, some days ahead. A day here overrides them, in the exchange's own time."
        answer={pages}
        isTable
        actions={
          <>
            <input type="search" aria-label="Exchange" placeholder="Exchange" className="input w-30" defaultValue={search["exchange"] ?? ""} onChange={(event) => patch({ exchange: event.target.value })} />
            {mayManage && (
              <>
                <Button kind="primary" onClick={() => setOpen("new")}>
                  New day
                </Button>
                <Button onClick={() => setOpen("import")}>Import CSV</Button>
                <Button onClick={() => void exportCsv("calendar.csv", act(EXPORT_CALENDAR, {}))}>Export CSV</Button>
              </>
            )}
          </>
        }
      >
        <Answered answer={pages} what="the calendar" empty={({ rows }) => (rows.length > 0 ? null : { title: "No day is overridden.", words: "Every exchange keeps the hours that the broker told." })}>
          {({ rows }) => (
            <>
              <Table label="Calendar" file="calendar-days" columns={columnsOf(nameOfActor, mayManage, setOpen)} rows={rows} rowKey={(row) => `${row.exchange} ${row.day}`} />
              <More pages={pages} what="days" />
            </>
          )}
        </Answered>
      </Section>
      {open === "new" && <DayDialog onDone={() => done("The day is kept")} onClose={() => setOpen(null)} />}
      {open === "import" && <ImportDialog onChanged={pages.reload} onClose={() => setOpen(null)} />}
      {open !== null && typeof open === "object" && (
        <Confirm
          title={`${open.exchange}, ${open.day}: as the broker told`}
          submit="Remove"
          busy="Removing"
          isDangerous
          reason="Why"
          act={(reason) => act(SET_DAYS, { input: { days: [], remove: [{ exchange: open.exchange, day: open.day }], reason } })}
          onDone={() => done("The day is as the broker told")}
          onClose={() => setOpen(null)}
        >
          <p>The override is removed, and the broker's hours hold again.</p>
        </Confirm>
      )}
    </>
  );
}

function DayDialog({ onDone, onClose }: { onDone: () => void; onClose: () => void }): JSX.Element {
  const [isClosed, setIsClosed] = useState(true);
  return (
    <Dialog title="A day of an exchange" onClose={onClose}>
      <ActForm
        submit="Save"
        busy="Saving"
        act={(form) =>
          act(SET_DAYS, {
            input: {
              remove: [],
              reason: textOf(form, "reason"),
              days: [
                {
                  exchange: textOf(form, "exchange").toUpperCase(),
                  day: textOf(form, "day"),
                  name: textOf(form, "name"),
                  isClosed,
                  opens: textOrNull(form, "opens"),
                  closes: textOrNull(form, "closes"),
                  extendedOpens: textOrNull(form, "extendedOpens"),
                  extendedCloses: textOrNull(form, "extendedCloses"),
                },
              ],
            },
          })
        }
        onDone={onDone}
        onCancel={onClose}
      >
        <div className="grid gap-3 sm:grid-cols-2">
          <TextField name="exchange" label="Exchange" hint="As instruments name it, such as NASDAQ" isFirst />
          <TextField name="day" label="Day" type="date" />
        </div>
        <TextField name="name" label="What day it is" maxLength={100} isOptional />
        <CheckField name="isClosed" label="Closed" defaultChecked onChange={setIsClosed} />
        {!isClosed && (
          <div className="grid gap-3 sm:grid-cols-2">
            <TextField name="opens" label="Opens" placeholder="09:30" pattern={TIME_PATTERN} hint="Nothing for the usual time" isOptional />
            <TextField name="closes" label="Closes" placeholder="13:00" pattern={TIME_PATTERN} isOptional />
            <TextField name="extendedOpens" label="Extended session from" placeholder="04:00" pattern={TIME_PATTERN} isOptional />
            <TextField name="extendedCloses" label="Extended session until" placeholder="17:00" pattern={TIME_PATTERN} isOptional />
          </div>
        )}
        <TextField name="reason" label="Why" maxLength={500} />
      </ActForm>
    </Dialog>
  );
}

function ImportDialog({ onChanged, onClose }: { onChanged: () => void; onClose: () => void }): JSX.Element {
  return (
    <FileDialog
      title="Import days"
      about="Columns: exchange, day, closed, opens, closes, extended_opens, extended_closes, name."
      nameHeader="Day"
      send={async ({ text, isTrial, takesEach, form }) => {
        const outcome = await act(IMPORT_CALENDAR, { input: { content: text, dryRun: isTrial, skipRefused: takesEach, reason: textOf(form, "reason") } });
        if (!outcome.ok) return outcome;
        const lines = outcome.payload.lines.map(({ number, exchange, day, code, message }) => ({
          number,
          name: `${exchange ?? ""} ${day ?? ""}`.trim(),
          tone: code === null ? ("ok" as const) : ("critical" as const),
          label: code === null ? "In order" : "Refused",
          message: message ?? code ?? "",
        }));
        return { ok: true, payload: { isStored: outcome.payload.isStored, lines } };
      }}
      onChanged={onChanged}
      onClose={onClose}
    >
      <TextField name="reason" label="Why" maxLength={500} />
    </FileDialog>
  );
}

function hours(day: Day): JSX.Element {
  if (day.isClosed) return <Status tone="ended" label="Closed" />;
  return <span>{`${day.opens ?? "as usual"} to ${day.closes ?? "as usual"}`}</span>;
}

function columnsOf(nameOfActor: (actor: string | null) => string, mayManage: boolean, onRemove: (day: Day) => void): Column<Day>[] {
  return [
    { key: "exchange", header: "Exchange", cell: (row) => row.exchange },
    { key: "day", header: "Day", cell: (row) => row.day },
    { key: "hours", header: "Hours", cell: hours },
    { key: "name", header: "Name", cell: (row) => row.name, className: "max-sm:hidden" },
    {
      key: "extended",
      header: "Extended",
      cell: (row) => (row.extendedOpens || row.extendedCloses ? `${row.extendedOpens ?? "as usual"} to ${row.extendedCloses ?? "as usual"}` : ""),
      className: "max-md:hidden",
    },
    { key: "by", header: "Set by", cell: (row) => nameOfActor(row.setBy), className: "max-md:hidden" },
    { key: "reason", header: "Why", text: (row) => row.reason, cell: (row) => <Words isSoft>{row.reason}</Words>, className: "max-md:hidden" },
    ...(mayManage
      ? [
          {
            key: "act",
            header: "",
            isNumber: true,
            cell: (row: Day) => (
              <Button kind="dangerWord" onClick={() => onRemove(row)}>
                Remove
              </Button>
            ),
          },
        ]
      : []),
  ];
}
