import { useState, type FormEvent, type JSX } from "react";

import { client } from "../../shared/graphql/client";
import type { ResultOf } from "../../shared/graphql/document";
import { describeFailure } from "../../shared/graphql/failure";
import { formatEnum } from "../../shared/format/time";
import { Dialog } from "../../shared/overlay/Dialog";
import { toast } from "../../shared/overlay/toasts";
import { ADD_INSTRUMENT, SEARCH_CONTRACTS } from "./documents";

type Hit = ResultOf<typeof SEARCH_CONTRACTS>["searchContracts"][number];

/** Looks for a contract at the broker and makes it an instrument of the firm. */
export function AddInstrument({ onClose, onAdded }: { onClose: () => void; onAdded: () => void }): JSX.Element {
  const [text, setText] = useState("");
  const [hits, setHits] = useState<readonly Hit[] | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setIsBusy] = useState(false);

  async function search(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (text.trim() === "" || isBusy) return;
    setIsBusy(true);
    setProblem(null);
    const { data, error } = await client.query(SEARCH_CONTRACTS, { search: text.trim() }).toPromise();
    setIsBusy(false);
    setHits(data?.searchContracts ?? null);
    if (error) setProblem(describeFailure(error));
  }
  async function add(hit: Hit): Promise<void> {
    setIsBusy(true);
    setProblem(null);
    const { data, error } = await client.mutation(ADD_INSTRUMENT, { input: { contractId: hit.contractId } }).toPromise();
    setIsBusy(false);
    const told = error ? describeFailure(error) : data?.addInstrument.errors.map((each) => each.message).join(" ");
    if (told) {
      setProblem(told);
      return;
    }
    toast("ok", `Added: ${data?.addInstrument.instrument?.symbol ?? hit.symbol}`);
    onAdded();
    onClose();
  }

  return (
    <Dialog title="Add an instrument from the broker" width="wide" onClose={onClose}>
      <form onSubmit={(event) => void search(event)} className="flex gap-2 px-4 py-3">
        {/* oxlint-disable-next-line jsx-a11y/no-autofocus -- the dialog was opened to search */}
        <input autoFocus type="search" aria-label="Symbol or name" placeholder="Symbol or name" className="input flex-1" value={text} onChange={(event) => setText(event.target.value)} />
        <button type="submit" className="control primary" disabled={isBusy || text.trim() === ""}>
          {isBusy ? "Asking" : "Search"}
        </button>
      </form>
      <p role="alert" className="px-4 text-critical">
        {problem}
      </p>
      {hits !== null && hits.length === 0 && <p className="px-4 pb-4 text-faint">The broker knows nothing by that name.</p>}
      <ul className="max-h-90 overflow-y-auto pb-3">
        {hits?.map((hit) => (
          <li key={hit.contractId} className="flex min-h-8 items-center gap-3 px-4 hover:bg-raised">
            <span className="w-24 font-medium">{hit.symbol}</span>
            <span className="min-w-0 flex-1 truncate text-soft">{hit.name}</span>
            <span className="text-small text-faint">
              {hit.instrumentType === null ? "" : formatEnum(hit.instrumentType)} {hit.exchange} {hit.currency}
            </span>
            <button type="button" className="control" disabled={isBusy} onClick={() => void add(hit)}>
              Add
            </button>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
