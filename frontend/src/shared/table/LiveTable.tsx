/** A live table: only the rows in sight are drawn; columns move, widen and sort; j, k, x and Enter work its rows. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useEffect, useId, useMemo, useRef, useState, type JSX, type ReactNode } from "react";

import { useShortcuts } from "../keyboard/shortcuts";
import { useDensity } from "../theme/theme";
import { Heads } from "./Heads";
import { sorted, type LiveColumn } from "./layout";
import type { TableState } from "./useTable";

interface LiveTableProps<Row> {
  label: string;
  table: TableState<Row>;
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  /** Shown in place of rows where there are none. */
  empty: ReactNode;
  /** Enter, or a click on a row. */
  onOpen?: (row: Row) => void;
  /** The row whose drawer is open. */
  openKey?: string | null;
  selected?: ReadonlySet<string>;
  onSelect?: (next: ReadonlySet<string>) => void;
  /** j, k, x and Enter are this table's: the main one of its page. */
  hasKeys?: boolean;
}

const ROW_PX = { dense: 24, roomy: 32 };
const TOUCH_ROW_PX = 36;
const OVERSCAN = 10;
const CHECK_PX = 36;

export function LiveTable<Row>(props: LiveTableProps<Row>): JSX.Element {
  const { label, table, rows, rowKey, empty, onOpen, openKey, selected, onSelect, hasKeys = false } = props;
  const { columns, layout, isNarrow } = table;
  const id = useId();
  const density = useDensity();
  const height = isNarrow ? TOUCH_ROW_PX : ROW_PX[density];
  const scroller = useRef<HTMLDivElement>(null);
  const [activeKey, setActiveKey] = useState<string | null>(null);
  const shown = useMemo(() => sorted(rows, table.all, layout.sorting), [rows, table.all, layout.sorting]);
  // oxlint-disable-next-line react/incompatible-library -- this component is drawn anew with each frame of data in any case
  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: OVERSCAN,
  });
  useEffect(() => virtual.measure(), [virtual, height]);

  const template = useMemo(() => {
    const widths = columns.map(({ key, width }) => {
      const own = layout.widths[key];
      return own === undefined ? `minmax(${width}px, ${width}fr)` : `${own}px`;
    });
    return [...(selected ? [`${CHECK_PX}px`] : []), ...widths].join(" ");
  }, [columns, layout.widths, selected]);
  const leastPx = columns.reduce((sum, { key, width }) => sum + (layout.widths[key] ?? width), selected ? CHECK_PX : 0);

  const at = shown.findIndex((row) => rowKey(row) === activeKey);
  function go(step: number): void {
    const next = Math.min(shown.length - 1, Math.max(0, at + step));
    const row = shown[next];
    if (row === undefined) return;
    setActiveKey(rowKey(row));
    virtual.scrollToIndex(next);
    // Who reads by ear follows the focus.
    scroller.current?.focus({ preventScroll: true });
  }
  // A row that is not drawn anew keeps the handlers of when it was: they look here for what holds now.
  const newest = useRef({ selected, onSelect, onOpen });
  useEffect(() => {
    newest.current = { selected, onSelect, onOpen };
  });
  function toggle(key: string): void {
    if (!newest.current.selected) return;
    const next = new Set(newest.current.selected);
    if (!next.delete(key)) next.add(key);
    newest.current.onSelect?.(next);
  }
  const active = at < 0 ? undefined : shown[at];
  useShortcuts(
    label,
    hasKeys
      ? [
          { keys: "j", label: "Next row", run: () => go(1) },
          { keys: "k", label: "Row before", run: () => go(-1) },
          ...(onSelect ? [{ keys: "x", label: "Select the row", run: () => active && toggle(rowKey(active)) }] : []),
          ...(onOpen ? [{ keys: "Enter", label: "Open the row", run: () => active && onOpen(active) }] : []),
        ]
      : [],
  );

  return (
    <div
      ref={scroller}
      role="grid"
      aria-label={label}
      aria-rowcount={shown.length + 1}
      aria-multiselectable={selected !== undefined}
      aria-activedescendant={active === undefined ? undefined : `${id}-${rowKey(active)}`}
      tabIndex={0}
      onKeyDown={(event) => {
        const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 20, PageUp: -20 }[event.key];
        if (step === undefined || event.target !== event.currentTarget) return;
        event.preventDefault();
        go(step);
      }}
      className="live-table min-h-0 flex-1 overflow-auto"
    >
      <Heads
        table={table}
        template={template}
        leastPx={leastPx}
        check={
          selected &&
          onSelect && (
            <input
              type="checkbox"
              aria-label="Select all rows"
              checked={shown.length > 0 && shown.every((row) => selected.has(rowKey(row)))}
              onChange={(event) => onSelect(event.target.checked ? new Set(shown.map(rowKey)) : new Set())}
            />
          )
        }
      />
      {shown.length === 0 ? (
        <div role="row">
          <div role="gridcell">{empty}</div>
        </div>
      ) : (
        <div role="rowgroup" className="relative" style={{ height: virtual.getTotalSize(), minWidth: leastPx }}>
          {virtual.getVirtualItems().map(({ index, start }) => {
            const row = shown[index];
            if (row === undefined) return null;
            const key = rowKey(row);
            return (
              <TableRow
                key={key}
                id={`${id}-${key}`}
                row={row}
                index={index}
                top={start}
                height={height}
                template={template}
                columns={columns as readonly LiveColumn<unknown>[]}
                isActive={key === activeKey}
                isOpen={key === openKey}
                isSelected={selected?.has(key)}
                onSelect={() => toggle(key)}
                onPress={() => {
                  setActiveKey(key);
                  newest.current.onOpen?.(row);
                }}
              />
            );
          })}
        </div>
      )}
    </div>
  );
}

interface RowProps {
  id: string;
  row: unknown;
  index: number;
  top: number;
  height: number;
  template: string;
  columns: readonly LiveColumn<unknown>[];
  isActive: boolean;
  isOpen: boolean;
  isSelected: boolean | undefined;
  onSelect: () => void;
  onPress: () => void;
}

const TableRow = memo(function TableRow(props: RowProps): JSX.Element {
  const { id, row, index, top, height, template, columns, isActive, isOpen, isSelected, onSelect, onPress } = props;
  return (
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus -- the grid has the focus, and Enter opens its active row
    <div
      id={id}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={isSelected ?? isOpen}
      data-active={isActive || undefined}
      data-open={isOpen || undefined}
      className="live-row"
      style={{ height, transform: `translateY(${top}px)`, gridTemplateColumns: template }}
      onClick={(event) => {
        const isOther = event.target instanceof Element && event.target.closest("a, button, input") !== null;
        if (!isOther && getSelection()?.type !== "Range") onPress();
      }}
    >
      {isSelected !== undefined && (
        <div role="gridcell">
          <input type="checkbox" tabIndex={-1} aria-label="Select the row" checked={isSelected} onChange={onSelect} />
        </div>
      )}
      {columns.map((column) => (
        <div key={column.key} role="gridcell" className={column.isNumber ? "right" : undefined}>
          {column.cell(row)}
        </div>
      ))}
    </div>
  );
}, isSame);

/** The handlers close over the key, the row and a reference alone: new ones of the same row need not draw it again. */
function isSame(before: RowProps, after: RowProps): boolean {
  return (
    before.row === after.row &&
    before.index === after.index &&
    before.top === after.top &&
    before.height === after.height &&
    before.template === after.template &&
    before.columns === after.columns &&
    before.isActive === after.isActive &&
    before.isOpen === after.isOpen &&
    before.isSelected === after.isSelected
  );
}
