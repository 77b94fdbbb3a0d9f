import { download } from "../format/download";
import { toast } from "../overlay/toasts";
import type { Outcome } from "./act";

/** Gives the person the CSV that a mutation answers; tells them when it answers none. */
export async function exportCsv(name: string, asked: Promise<Outcome<{ csv: string | null }>>): Promise<void> {
  const outcome = await asked;
  if (outcome.ok) download(name, outcome.payload.csv ?? "");
  else if (outcome.words !== "") toast("critical", "Not exported", outcome.words);
}
