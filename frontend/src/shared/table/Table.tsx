/** A dense table: 24 px rows, sticky head, numbers to the right. */
import { memo, useContext, type JSX, type ReactNode } from "react";
import { createPortal } from "react-dom";

import { csvName } from "../format/csv";
import { download } from "../format/download";
import { csvOf, type CsvColumn } from "./csv";
import { ToolSlot } from "./slot";

export interface Column<Row> {
  key: string;
  header: string;
  cell: (row: Row) => ReactNode;
  /** As a file has it: exact, without separators, times whole. Needed where the cell is no bare text or number. */
  text?: (row: Row) => string | number | null;
  isNumber?: boolean;
  /** Tailwind classes of head and cells, to hide what a narrow screen has no room for. */
  className?: string;
}

interface TableProps<Row> {
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  /** The name of its CSV file, which it offers in the head of its section; none where nobody takes it away. */
  file?: string;
}

export function Table<Row>({ label, columns, rows, rowKey, file }: TableProps<Row>): JSX.Element {
  return (
    <>
      {file !== undefined && <CsvButton file={file} label={label} columns={columns} rows={rows} />}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a scrolling region must be reachable by keyboard */}
      <div role="group" className="min-h-0 flex-1 overflow-auto" aria-label={label} tabIndex={0}>
        <table className="table">
          <thead>
            <tr>
              {columns.map((column) => (
                <th key={column.key} scope="col" className={classes(column)}>
                  {column.header === "" ? <span className="sr-only">Acts</span> : column.header}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <TableRow key={rowKey(row)} row={row} columns={columns as readonly Column<unknown>[]} />
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

interface CsvButtonProps<Row> extends Omit<TableProps<Row>, "rowKey"> {
  file: string;
}

function CsvButton<Row>({ file, label, columns, rows }: CsvButtonProps<Row>): JSX.Element | null {
  const slot = useContext(ToolSlot);
  return (
    slot &&
    createPortal(
      <button type="button" className="control" aria-label={`CSV: ${label}`} onClick={() => download(csvName(file), csvOf(fileColumns(columns), rows))}>
        CSV
      </button>,
      slot,
    )
  );
}

/** The columns of a file: those of acts have nothing to take away. */
export function fileColumns<Row>(columns: readonly Column<Row>[]): CsvColumn<Row>[] {
  return columns.filter(({ header }) => header !== "").map(({ header, cell, text }) => ({ header, text: (row) => plain(text ? text(row) : cell(row)) }));
}

function plain(value: ReactNode): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

const TableRow = memo(function TableRow({ row, columns }: { row: unknown; columns: readonly Column<unknown>[] }) {
  return (
    <tr>
      {columns.map((column) => (
        <td key={column.key} className={classes(column)}>
          {column.cell(row)}
        </td>
      ))}
    </tr>
  );
});

function classes(column: Column<never>): string {
  return `${column.isNumber ? "right" : ""} ${column.className ?? ""}`.trim();
}
