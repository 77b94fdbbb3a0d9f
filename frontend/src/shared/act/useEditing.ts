/** Which row of a list is made, changed or taken away in a dialog at the moment, and what follows when that is done. */
import { useState } from "react";

import { toast } from "../overlay/toasts";

export interface Editing<Row> {
  /** What the dialog is about; null while none is open. */
  editing: Row | "new" | null;
  deleting: Row | null;
  make: () => void;
  edit: (row: Row) => void;
  remove: (row: Row) => void;
  close: () => void;
  /** Closes the dialog, asks for the list anew and tells the person. */
  done: (words: string) => void;
}

export function useEditing<Row>(reload: () => void): Editing<Row> {
  const [editing, edit] = useState<Row | "new" | null>(null);
  const [deleting, remove] = useState<Row | null>(null);

  function close(): void {
    edit(null);
    remove(null);
  }

  return {
    editing,
    deleting,
    make: () => edit("new"),
    edit: (row) => edit(() => row),
    remove: (row) => remove(() => row),
    close,
    done(words) {
      close();
      reload();
      toast("ok", words);
    },
  };
}
