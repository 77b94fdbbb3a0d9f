/** The accounts with their connections: how they stand in plain words, what the gateway bears, and connecting them. */
import { useState, type JSX } from "react";

import { act } from "../../shared/act/act";
import { Button } from "../../shared/controls/Button";
import { Confirm } from "../../shared/controls/Confirm";
import { Facts } from "../../shared/controls/Facts";
import { formatAge, formatTime } from "../../shared/format/time";
import { toast } from "../../shared/overlay/toasts";
import { Answered, Section } from "../../shared/query/Answered";
import { useStaleAge } from "../../shared/query/Stale";
import { useAnswer, type Answer } from "../../shared/query/useAnswer";
import { modeOf } from "../../shared/session/accounts";
import { useMay } from "../../shared/session/viewer";
import { Status } from "../../shared/table/Status";
import { AccountDialog } from "./AccountDialog";
import { CONNECT, CREDENTIALS, DISCONNECT, RECONCILE, type Account } from "./documents";
import { efficiencyInWords, errorInWords, linesInWords, paceInWords, stateInWords } from "./words";

const STALE_MS = 15_000;

type Question = { kind: "disconnect" | "edit"; account: Account } | { kind: "new" };

export function AccountsTab({ answer }: { answer: Answer<{ brokerAccounts: Account[] }> }): JSX.Element {
  const mayManage = useMay("MANAGE_BROKERS");
  const credentials = useAnswer(CREDENTIALS, {}, { isWanted: mayManage });
  const [question, setQuestion] = useState<Question | null>(null);
  const staleMs = useStaleAge(answer, STALE_MS);

  async function connect(account: Account): Promise<void> {
    const outcome = await act(CONNECT, { input: { accountId: account.id } });
    if (outcome.ok) toast("ok", `${account.accountNumber} is being connected.`);
    else if (outcome.words) toast("critical", outcome.words);
    answer.reload();
  }

  function close(): void {
    setQuestion(null);
    answer.reload();
    credentials.reload();
  }

  return (
    <>
      <Section
        title="Accounts"
        answer={answer}
        staleMs={STALE_MS}
        isTable
        actions={mayManage && <Button onClick={() => setQuestion({ kind: "new" })}>Add an account</Button>}
      >
        <Answered
          answer={answer}
          what="the broker accounts"
          empty={({ brokerAccounts }) =>
            brokerAccounts.length === 0
              ? { title: "No broker account yet.", words: "Bring one in, then connect it. The simulator needs no broker." }
              : null
          }
        >
          {({ brokerAccounts }) => (
            <ul>
              {brokerAccounts.map((account) => (
                <AccountRow
                  key={account.id}
                  account={account}
                  staleMs={staleMs}
                  credentials={credentials.data?.brokerAccounts.find((each) => each.id === account.id)?.credentials ?? null}
                  mayManage={mayManage}
                  onConnect={() => void connect(account)}
                  onAsk={(kind) => setQuestion({ kind, account })}
                />
              ))}
            </ul>
          )}
        </Answered>
      </Section>
      {question?.kind === "disconnect" && (
        <Confirm
          title={`Disconnect ${question.account.accountNumber}`}
          submit="Disconnect"
          busy="Disconnecting"
          isDangerous
          act={() => act(DISCONNECT, { input: { accountId: question.account.id } })}
          onDone={() => {
            close();
            toast("ok", `${question.account.accountNumber} is disconnected.`);
          }}
          onClose={() => setQuestion(null)}
        >
          <p>
            {question.account.ordersAtBroker === 0
              ? "No order works at the broker."
              : `${question.account.ordersAtBroker} orders go on working at the broker, and may fill while nobody listens.`}{" "}
            New orders wait, cancels too.
          </p>
        </Confirm>
      )}
      {(question?.kind === "edit" || question?.kind === "new") && (
        <AccountDialog account={question.kind === "edit" ? question.account : null} onClose={close} />
      )}
    </>
  );
}

interface AccountRowProps {
  account: Account;
  /** The age of what is known of it, once that is stale. */
  staleMs: number | null;
  credentials: readonly { name: string; setAt: string }[] | null;
  mayManage: boolean;
  onConnect: () => void;
  onAsk: (kind: "disconnect" | "edit") => void;
}

function AccountRow({ account, staleMs, credentials, mayManage, onConnect, onAsk }: AccountRowProps): JSX.Element {
  const { connection } = account;
  const state = stateInWords(account, staleMs);
  const efficiency = efficiencyInWords(connection.orderEfficiency);
  const meaning = errorInWords(connection.lastError);
  return (
    <li aria-label={account.accountNumber} className="grid gap-x-6 gap-y-3 border-t border-line px-4 py-3 lg:grid-cols-[16rem_minmax(0,1fr)_minmax(0,1fr)]">
      <div className="flex min-w-0 flex-col gap-1">
        <h3 className="flex flex-wrap items-center gap-2 font-medium">
          {account.label ?? account.accountNumber} <Mode account={account} />
        </h3>
        <p className="text-small text-faint">
          {account.label === null ? "" : `${account.accountNumber} · `}
          {account.accountType} · {account.baseCurrency}
          {account.isAdviser && " · adviser"}
          {account.adviser && ` · under ${account.adviser.accountNumber}`}
        </p>
        {mayManage && (
          <div className="mt-1 flex flex-wrap gap-3">
            {account.isConnectionWanted ? (
              <Button kind="dangerWord" onClick={() => onAsk("disconnect")}>
                Disconnect
              </Button>
            ) : (
              <Button kind="word" onClick={onConnect}>
                Connect
              </Button>
            )}
            {account.isConnectionWanted && <Reconcile account={account} />}
            <Button kind="word" onClick={() => onAsk("edit")}>
              Change
            </Button>
          </div>
        )}
      </div>
      <div className="flex min-w-0 flex-col gap-1">
        <Status tone={state.tone} label={state.label} />
        <p className="text-small text-faint">{state.meaning}</p>
        {connection.lastError !== null && (
          <div className="mt-1 text-small">
            {meaning !== null && <p>{meaning}</p>}
            <p className="text-faint wrap-anywhere">Told: {connection.lastError}</p>
          </div>
        )}
      </div>
      <Facts
        label={`Connection of ${account.accountNumber}`}
        facts={[
          ["Gateway", account.broker === "PAPER" ? "Fills in the house" : `${connection.host}:${connection.port}, client id ${connection.clientId}`],
          ["Since", connection.connectedSince && formatTime(connection.connectedSince)],
          ["Last message", connection.lastHeartbeatAt && <Heard key="heard" at={connection.lastHeartbeatAt} />],
          ["Round trip", connection.roundTripMs !== null && `${connection.roundTripMs.toFixed(connection.roundTripMs < 10 ? 1 : 0)} ms`],
          ["Orders at broker", String(account.ordersAtBroker)],
          ["Pace", paceInWords(connection.pacing)],
          ["Data lines", linesInWords(connection.marketDataLines)],
          ["Order efficiency", efficiency && (
            <span key="efficiency" title={efficiency.meaning}>
              <Status tone={efficiency.tone} label={efficiency.label} />
            </span>
          )],
          ["Secrets", credentials && credentials.length > 0 && credentials.map(({ name }) => name).join(", ")],
        ]}
      />
    </li>
  );
}

function agoOf(at: string): string {
  return `${formatAge(Date.now() - new Date(at).getTime())} ago`;
}

function Heard({ at }: { at: string }): JSX.Element {
  return <>{agoOf(at)}</>;
}

function Reconcile({ account }: { account: Account }): JSX.Element {
  const [isBusy, setIsBusy] = useState(false);

  async function run(): Promise<void> {
    setIsBusy(true);
    const outcome = await act(RECONCILE, { input: { accountId: account.id } });
    setIsBusy(false);
    if (!outcome.ok) {
      if (outcome.words) toast("critical", outcome.words);
      return;
    }
    const told = outcome.payload.reconciliation;
    if (!told) return;
    const words = `${told.ordersChecked} orders and ${told.positionsChecked} positions compared, ${told.breaksOpen} breaks open.`;
    toast(told.breaksOpen === 0 ? "ok" : "warn", words);
  }

  return (
    <Button kind="word" disabled={isBusy} onClick={() => void run()}>
      {isBusy ? "Reconciling" : "Reconcile"}
    </Button>
  );
}

/** The same words as everywhere: LIVE trades money. */
export function Mode({ account }: { account: Pick<Account, "broker" | "isPaper"> }): JSX.Element {
  const mode = modeOf(account);
  return (
    <span className={`rounded-sm border px-1 text-micro font-medium ${mode === "LIVE" ? "border-critical text-critical" : "border-line-strong text-soft"}`}>
      {mode}
    </span>
  );
}
