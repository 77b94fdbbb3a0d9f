/** What a table shows as a file. */
import { toCsv } from "../format/csv";

/** A column as a file has it. */
export interface CsvColumn<Row> {
  header: string;
  /** Exact, without separators; empty for nothing. */
  text: (row: Row) => string;
}

export function csvOf<Row>(columns: readonly CsvColumn<Row>[], rows: readonly Row[]): string {
  return toCsv(
    columns.map((column) => column.header),
    rows.map((row) => columns.map((column) => column.text(row))),
  );
}
