import { Button } from "../controls/Button";
import type { Column } from "./Table";

interface Acts<Row> {
  edit: (row: Row) => void;
  remove?: (row: Row) => void;
}

/** The last column of a list whose rows can be changed, and taken away where `remove` is given. */
export function actsColumn<Row>({ edit, remove }: Acts<Row>): Column<Row> {
  return {
    key: "act",
    header: "",
    isNumber: true,
    cell: (row) => (
      <span className="inline-flex gap-3">
        <Button kind="word" onClick={() => edit(row)}>
          Change
        </Button>
        {remove && (
          <Button kind="dangerWord" onClick={() => remove(row)}>
            Delete
          </Button>
        )}
      </span>
    ),
  };
}
