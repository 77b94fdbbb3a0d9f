/** What gateways have been seen to do, played by the bundled simulator on an account of practice. */
import { useState, type JSX } from "react";

import { act } from "../../shared/act/act";
import { Button } from "../../shared/controls/Button";
import { FILTER } from "../../shared/controls/Form";
import { toast } from "../../shared/overlay/toasts";
import { usePageSearch } from "../../shared/page/search";
import { Answered, Section } from "../../shared/query/Answered";
import { useAnswer } from "../../shared/query/useAnswer";
import { Table, type Column } from "../../shared/table/Table";
import { Words } from "../../shared/table/Words";
import { CLEAR_FAULTS, FAULTS, PATHOLOGIES, PLAY_FAULT, type Account, type Fault, type Pathology } from "./documents";

const LOOK_EVERY_MS = 3_000;

const FAULT_COLUMNS: Column<Fault>[] = [
  { key: "name", header: "Fault", cell: (row) => row.name },
  { key: "strikes", header: "Strikes", isNumber: true, cell: (row) => row.strikes },
  { key: "lasts", header: "Remaining, seconds", isNumber: true, cell: (row) => (row.lastsSeconds === null ? "until cleared" : row.lastsSeconds.toFixed(0)) },
  { key: "parameters", header: "Parameters", cell: (row) => <span className="text-faint">{JSON.stringify(row.parameters)}</span>, className: "max-sm:hidden" },
];

export function FaultsTab({ accounts }: { accounts: readonly Account[] }): JSX.Element {
  const [search, patch] = usePageSearch();
  const account = accounts.find((each) => each.id === search["account"]) ?? accounts[0];
  const pathologies = useAnswer(PATHOLOGIES, {});
  const faults = useAnswer(FAULTS, { accountId: account?.id ?? "" }, { everyMs: LOOK_EVERY_MS, isWanted: account !== undefined });
  const [isBusy, setIsBusy] = useState(false);

  async function play(pathology: Pathology): Promise<void> {
    if (!account) return;
    setIsBusy(true);
    const outcome = await act(PLAY_FAULT, { input: { accountId: account.id, pathology: pathology.name } });
    setIsBusy(false);
    if (outcome.ok) toast("ok", `${pathology.name} plays on ${account.accountNumber}.`, pathology.handled);
    else if (outcome.words) toast("critical", outcome.words);
    faults.reload();
  }

  async function clear(): Promise<void> {
    if (!account) return;
    const outcome = await act(CLEAR_FAULTS, { input: { accountId: account.id } });
    if (outcome.ok) toast("ok", `${outcome.payload.cleared} faults ended.`);
    else if (outcome.words) toast("critical", outcome.words);
    faults.reload();
  }

  return (
    <>
      <Section
        title="Active faults"
        about="Faults strike the orders and the connection of this account alone, at the bundled simulator."
        answer={faults}
        staleMs={5 * LOOK_EVERY_MS}
        isTable
        actions={
          <>
            <select aria-label="Account" value={account?.id ?? ""} onChange={(event) => patch({ account: event.target.value })} className={FILTER}>
              {accounts.map((each) => (
                <option key={each.id} value={each.id}>
                  {each.label ?? each.accountNumber}
                </option>
              ))}
            </select>
            <Button onClick={() => void clear()}>End them all</Button>
          </>
        }
      >
        <Answered
          answer={faults}
          what="the faults"
          empty={({ simulatorFaults }) => (simulatorFaults.length === 0 ? { title: "No fault is at work on this account." } : null)}
        >
          {({ simulatorFaults }) => (
            <Table label="Faults at work" columns={FAULT_COLUMNS} rows={simulatorFaults} rowKey={(row) => `${row.name} ${JSON.stringify(row.parameters)}`} />
          )}
        </Answered>
      </Section>
      <Section title="Pathologies" isTable>
        <Answered answer={pathologies} what="the pathologies">
          {({ simulatorPathologies }) => <Table label="Pathologies" columns={pathologyColumns(isBusy || account === undefined, (pathology) => void play(pathology))} rows={simulatorPathologies} rowKey={(row) => row.name} />}
        </Answered>
      </Section>
    </>
  );
}

function pathologyColumns(isDisabled: boolean, onPlay: (pathology: Pathology) => void): Column<Pathology>[] {
  return [
    {
      key: "name",
      header: "Name",
      cell: (row) => (
        <>
          {row.name}
          <span className="block pb-1 text-micro whitespace-normal text-faint sm:hidden">{row.seen}</span>
        </>
      ),
    },
    { key: "seen", header: "What was seen", cell: (row) => <Words>{row.seen}</Words>, className: "max-sm:hidden" },
    { key: "handled", header: "What becomes of it here", cell: (row) => <Words isSoft>{row.handled}</Words>, className: "max-md:hidden" },
    { key: "lasts", header: "Seconds", isNumber: true, cell: (row) => row.lastsSeconds, className: "max-sm:hidden" },
    {
      key: "act",
      header: "",
      isNumber: true,
      cell: (row) => (
        <Button kind="word" disabled={isDisabled} onClick={() => onPlay(row)}>
          Play
        </Button>
      ),
    },
  ];
}
