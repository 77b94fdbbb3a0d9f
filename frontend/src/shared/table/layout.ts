/** How a person has arranged a table: order, hidden columns, widths, sorting. Kept in the profile; read as untrusted. */
import { compare } from "../format/decimal";

export interface LiveColumn<Row> {
  key: string;
  header: string;
  cell: (row: Row) => React.ReactNode;
  /** The value as it is exported and sorted by: exact, without separators; empty for nothing. */
  text: (row: Row) => string;
  isNumber?: boolean;
  /** In pixels; what is left of the table's width is shared in proportion. */
  width: number;
  /** Shown where there is no room for all, such as at 390 px. */
  isCompact?: boolean;
  /** Hidden until a person wants it. */
  isExtra?: boolean;
}

export interface Sorting {
  key: string;
  isDown: boolean;
}

export interface Layout {
  order: readonly string[];
  /** True or false where the person decided. */
  shown: Readonly<Record<string, boolean>>;
  widths: Readonly<Record<string, number>>;
  sorting: Sorting | null;
}

export interface SavedView {
  name: string;
  layout: Layout;
  search: Readonly<Record<string, string>>;
}

export const NO_LAYOUT: Layout = { order: [], shown: {}, widths: {}, sorting: null };
const WIDTH_MIN_PX = 40;
const WIDTH_MAX_PX = 800;

type Bag = Record<string, unknown>;

function bag(raw: unknown): Bag {
  return typeof raw === "object" && raw !== null && !Array.isArray(raw) ? (raw as Bag) : {};
}

function entriesOf<T>(raw: unknown, isFit: (value: unknown) => value is T): Record<string, T> {
  return Object.fromEntries(Object.entries(bag(raw)).filter((entry): entry is [string, T] => isFit(entry[1])));
}

const isText = (value: unknown): value is string => typeof value === "string";
const isFlag = (value: unknown): value is boolean => typeof value === "boolean";
const isWidth = (value: unknown): value is number =>
  typeof value === "number" && value >= WIDTH_MIN_PX && value <= WIDTH_MAX_PX;

export function readLayout(raw: unknown): Layout {
  const { order, shown, widths, sorting } = bag(raw);
  const { key, isDown } = bag(sorting);
  return {
    order: Array.isArray(order) ? order.filter(isText) : [],
    shown: entriesOf(shown, isFlag),
    widths: entriesOf(widths, isWidth),
    sorting: isText(key) ? { key, isDown: isDown === true } : null,
  };
}

export function readViews(raw: unknown): readonly SavedView[] {
  if (!Array.isArray(raw)) return [];
  return raw.map(bag).flatMap(({ name, layout, search }) =>
    isText(name) && name !== "" ? [{ name, layout: readLayout(layout), search: entriesOf(search, isText) }] : [],
  );
}

/** All columns in the person's order; those that the layout does not know keep their place behind the one before. */
export function ordered<Row>(columns: readonly LiveColumn<Row>[], order: readonly string[]): LiveColumn<Row>[] {
  const known = order.flatMap((key) => columns.find((column) => column.key === key) ?? []);
  const result = [...known];
  columns.forEach((column, index) => {
    if (known.includes(column)) return;
    const before = columns[index - 1];
    result.splice(before ? result.indexOf(before) + 1 : 0, 0, column);
  });
  return result;
}

export function isShown(column: LiveColumn<never>, layout: Layout, isNarrow: boolean): boolean {
  return layout.shown[column.key] ?? (isNarrow ? column.isCompact === true : column.isExtra !== true);
}

export function arranged<Row>(columns: readonly LiveColumn<Row>[], layout: Layout, isNarrow: boolean): LiveColumn<Row>[] {
  return ordered(columns, layout.order).filter((column) => isShown(column, layout, isNarrow));
}

/** The order after a column was put before another; behind all where that is null. */
export function moved(order: readonly string[], key: string, before: string | null): string[] {
  const rest = order.filter((each) => each !== key);
  const at = before === null ? rest.length : rest.indexOf(before);
  return [...rest.slice(0, at), key, ...rest.slice(at)];
}

export function clampWidth(width: number): number {
  return Math.round(Math.min(WIDTH_MAX_PX, Math.max(WIDTH_MIN_PX, width)));
}

/** A click on a head: up, then down, then as the table comes. */
export function nextSorting(sorting: Sorting | null, key: string): Sorting | null {
  if (sorting?.key !== key) return { key, isDown: false };
  return sorting.isDown ? null : { key, isDown: true };
}

/** Rows in the person's order; what has no value stands last either way. */
export function sorted<Row>(rows: readonly Row[], columns: readonly LiveColumn<Row>[], sorting: Sorting | null): readonly Row[] {
  const column = columns.find((each) => each.key === sorting?.key);
  if (!column || sorting === null) return rows;
  const direction = sorting.isDown ? -1 : 1;
  return rows
    .map((row) => ({ row, text: column.text(row) }))
    .toSorted((left, right) => {
      if (left.text === "" || right.text === "") return Number(left.text === "") - Number(right.text === "");
      return direction * (column.isNumber ? compareNumbers(left.text, right.text) : left.text.localeCompare(right.text));
    })
    .map(({ row }) => row);
}

function compareNumbers(left: string, right: string): number {
  try {
    return compare(left, right);
  } catch {
    return left.localeCompare(right);
  }
}
