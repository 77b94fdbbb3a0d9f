/** What every table offers: columns, saved views and a file of what is on screen. */
import { useId, useState, type FormEvent, type JSX } from "react";

import { csvName } from "../format/csv";
import { download } from "../format/download";
import { Menu, MenuHeading, MenuItem } from "../overlay/Menu";
import { usePageSearch } from "../page/search";
import { csvOf } from "./csv";
import { isShown, moved, NO_LAYOUT, sorted, type SavedView } from "./layout";
import type { TableState } from "./useTable";

interface TableToolsProps<Row> {
  table: TableState<Row>;
  /** What the filters let through; the file has the columns that are shown, in their order. */
  rows: readonly Row[];
}

export function TableTools<Row>({ table, rows }: TableToolsProps<Row>): JSX.Element {
  return (
    <>
      <Menu label="Views" align="end">
        {(close) => <Views table={table} onClose={close} />}
      </Menu>
      <Menu label="Columns" align="end">
        {() => <Columns table={table} />}
      </Menu>
      <button
        type="button"
        className="control"
        disabled={rows.length === 0}
        onClick={() => download(csvName(table.id), csvOf(table.columns, sorted(rows, table.all, table.layout.sorting)))}
      >
        CSV
      </button>
    </>
  );
}

function Columns<Row>({ table }: { table: TableState<Row> }): JSX.Element {
  const { all, layout, setLayout, isNarrow } = table;
  const keys = all.map((column) => column.key);
  return (
    <div className="py-1">
      <ul>
        {all.map((column, index) => {
          const shown = isShown(column, layout, isNarrow);
          return (
            <li key={column.key} className="flex min-h-7 items-center gap-2 px-3 hover:bg-raised">
              <label className="flex flex-1 items-center gap-2 pr-4">
                <input
                  type="checkbox"
                  checked={shown}
                  onChange={() => setLayout({ ...layout, shown: { ...layout.shown, [column.key]: !shown } })}
                />
                {column.header}
              </label>
              <Step label={`Move ${column.header} to the front`} isOff={index === 0} onStep={() => setLayout({ ...layout, order: moved(keys, column.key, keys[index - 1] ?? null) })}>
                ↑
              </Step>
              <Step label={`Move ${column.header} to the back`} isOff={index === all.length - 1} onStep={() => setLayout({ ...layout, order: moved(keys, column.key, keys[index + 2] ?? null) })}>
                ↓
              </Step>
            </li>
          );
        })}
      </ul>
      <div className="mt-1 border-t border-line pt-1">
        <MenuItem onClick={() => setLayout(NO_LAYOUT)}>As delivered</MenuItem>
      </div>
    </div>
  );
}

function Step({ label, isOff, onStep, children }: { label: string; isOff: boolean; onStep: () => void; children: string }): JSX.Element {
  return (
    <button type="button" aria-label={label} disabled={isOff} onClick={onStep} className="size-6 text-soft hover:text-text disabled:opacity-30">
      {children}
    </button>
  );
}

function Views<Row>({ table, onClose }: { table: TableState<Row>; onClose: () => void }): JSX.Element {
  const { views, setViews, layout, setLayout } = table;
  const [search, patch] = usePageSearch();
  const [name, setName] = useState("");
  const id = useId();

  function open(view: SavedView): void {
    const cleared = Object.fromEntries(Object.keys(search).map((key) => [key, undefined]));
    patch({ ...cleared, ...view.search });
    setLayout(view.layout);
    onClose();
  }
  function save(event: FormEvent): void {
    event.preventDefault();
    const kept = name.trim();
    if (kept === "") return;
    const filters = Object.fromEntries(Object.entries(search).filter((entry): entry is [string, string] => typeof entry[1] === "string"));
    setViews([...views.filter((view) => view.name !== kept), { name: kept, layout, search: filters }]);
    setName("");
  }

  return (
    <div className="py-1">
      {views.length === 0 && <MenuHeading>No views yet</MenuHeading>}
      <ul>
        {views.map((view) => (
          <li key={view.name} className="flex items-center">
            <MenuItem onClick={() => open(view)}>{view.name}</MenuItem>
            <button type="button" aria-label={`Delete the view ${view.name}`} className="size-7 shrink-0 text-faint hover:text-text" onClick={() => setViews(views.filter((each) => each !== view))}>
              ×
            </button>
          </li>
        ))}
      </ul>
      <form onSubmit={save} className="mt-1 flex items-end gap-2 border-t border-line px-3 pt-2 pb-1">
        <div>
          <label htmlFor={id} className="block text-micro text-faint">
            Save filters and columns as
          </label>
          <input id={id} className="input w-40" maxLength={40} value={name} onChange={(event) => setName(event.target.value)} />
        </div>
        <button type="submit" className="control" disabled={name.trim() === ""}>
          Save
        </button>
      </form>
    </div>
  );
}
