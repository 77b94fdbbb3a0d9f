/** The heads of a live table: sort by a click, move by dragging, widen by the edge. */
import { useRef, type JSX, type PointerEvent, type ReactNode } from "react";

import { clampWidth, moved, nextSorting, type LiveColumn } from "./layout";
import type { TableState } from "./useTable";

interface HeadsProps<Row> {
  table: TableState<Row>;
  template: string;
  leastPx: number;
  check: ReactNode;
}

const DRAGGED = "application/x-oms-column";

export function Heads<Row>({ table, template, leastPx, check }: HeadsProps<Row>): JSX.Element {
  return (
    <div role="rowgroup" className="sticky top-0 z-1" style={{ minWidth: leastPx }}>
      <div role="row" aria-rowindex={1} className="live-heads" style={{ gridTemplateColumns: template }}>
        {check !== undefined && check !== false && <div role="columnheader">{check}</div>}
        {table.columns.map((column) => (
          <Head key={column.key} table={table} column={column} />
        ))}
      </div>
    </div>
  );
}

function Head<Row>({ table, column }: { table: TableState<Row>; column: LiveColumn<Row> }): JSX.Element {
  const { layout, setLayout } = table;
  const cell = useRef<HTMLDivElement>(null);
  const sorting = layout.sorting?.key === column.key ? layout.sorting : null;

  function widen(event: PointerEvent<HTMLSpanElement>): void {
    event.preventDefault();
    const handle = event.currentTarget;
    const startX = event.clientX;
    const startPx = cell.current?.offsetWidth ?? column.width;
    handle.setPointerCapture(event.pointerId);
    const move = (next: globalThis.PointerEvent): void => {
      const width = clampWidth(startPx + next.clientX - startX);
      setLayout({ ...layout, widths: { ...layout.widths, [column.key]: width } });
    };
    const end = (): void => {
      handle.removeEventListener("pointermove", move);
      handle.removeEventListener("pointerup", end);
      handle.removeEventListener("pointercancel", end);
    };
    handle.addEventListener("pointermove", move);
    handle.addEventListener("pointerup", end);
    handle.addEventListener("pointercancel", end);
  }

  return (
    // oxlint-disable-next-line jsx-a11y/interactive-supports-focus -- its button is what takes the focus
    <div
      ref={cell}
      role="columnheader"
      aria-sort={sorting === null ? "none" : sorting.isDown ? "descending" : "ascending"}
      className={`group relative ${column.isNumber ? "right" : ""}`}
      onDragOver={(event) => {
        if (event.dataTransfer.types.includes(DRAGGED)) event.preventDefault();
      }}
      onDrop={(event) => {
        const key = event.dataTransfer.getData(DRAGGED);
        if (key === "" || key === column.key) return;
        setLayout({ ...layout, order: moved(table.all.map((each) => each.key), key, column.key) });
      }}
    >
      <button
        type="button"
        draggable
        onDragStart={(event) => event.dataTransfer.setData(DRAGGED, column.key)}
        onClick={() => setLayout({ ...layout, sorting: nextSorting(layout.sorting, column.key) })}
        className="max-w-full truncate hover:text-text"
      >
        {column.header}
        {sorting !== null && <span aria-hidden="true">{sorting.isDown ? " ↓" : " ↑"}</span>}
      </button>
      <span
        aria-hidden="true"
        onPointerDown={widen}
        onDoubleClick={() => {
          const { [column.key]: _, ...widths } = layout.widths;
          setLayout({ ...layout, widths });
        }}
        className="absolute top-1 right-0 bottom-1 w-1.5 cursor-col-resize touch-none border-r border-transparent group-hover:border-line-strong"
      />
    </div>
  );
}
