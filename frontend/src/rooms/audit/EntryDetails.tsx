/** One act: who, on what, what it changed, and where it stands in the chain. */
import { useState, type JSX } from "react";

import { Button } from "../../shared/controls/Button";
import { Differences } from "../../shared/controls/Differences";
import { Facts } from "../../shared/controls/Facts";
import { Once } from "../../shared/controls/Once";
import type { Entry } from "./documents";
import type { Filters } from "./search";

interface EntryDetailsProps {
  entry: Entry;
  actor: string;
  onFilter: (filters: Filters) => void;
}

export function EntryDetails({ entry, actor, onFilter }: EntryDetailsProps): JSX.Element {
  const [showsRaw, setShowsRaw] = useState(false);
  return (
    <>
      <Facts
        facts={[
          ["When", entry.createdAt],
          ["Who", linked(`${actor} · ${entry.actor}`, () => onFilter({ actor: entry.actor }))],
          ["Resource", entry.resourceType],
          ["Id", entry.resourceId && linked(entry.resourceId, () => onFilter({ resourceId: entry.resourceId ?? "" }))],
          ["From", entry.ipAddress],
          ["Request", entry.requestId && linked(entry.requestId, () => onFilter({ requestId: entry.requestId ?? "" }))],
          ["Hash", entry.hash],
        ]}
      />
      {showsRaw ? (
        <Once label="Raw entry" secret={JSON.stringify(entry, null, 2)} />
      ) : (
        <Differences before={entry.oldValues} after={entry.newValues} />
      )}
      <div>
        <Button kind="word" aria-pressed={showsRaw} onClick={() => setShowsRaw(!showsRaw)}>
          {showsRaw ? "Show the differences" : "Show as JSON"}
        </Button>
      </div>
    </>
  );
}

function linked(text: string, onClick: () => void): JSX.Element {
  return (
    <button type="button" title="Show all of the same" onClick={onClick} className="text-left text-accent underline-offset-2 wrap-anywhere hover:underline">
      {text}
    </button>
  );
}
