/** For programs: API keys, how much may be asked, and where to try the API. */
import { useState, type JSX } from "react";

import { mayExplore } from "../../app/explorer";
import { act, type PayloadOf } from "../../shared/act/act";
import { Button } from "../../shared/controls/Button";
import { Confirm } from "../../shared/controls/Confirm";
import { Dialog } from "../../shared/controls/Dialog";
import { ActForm, AreaField, SelectField, TextField, textOf } from "../../shared/controls/Form";
import { Once } from "../../shared/controls/Once";
import { Tabs, tabOf, type Tab } from "../../shared/controls/Tabs";
import { formatTime } from "../../shared/format/time";
import type { ResultOf } from "../../shared/graphql/document";
import { GrantField, grantsOf, ScopeField, scopesOf } from "../../shared/identity/fields";
import { scopeInWords } from "../../shared/identity/scopes";
import { toast } from "../../shared/overlay/toasts";
import { Page } from "../../shared/page/Page";
import { usePageSearch } from "../../shared/page/search";
import { Answered, Section } from "../../shared/query/Answered";
import { useAnswer } from "../../shared/query/useAnswer";
import { useViewer } from "../../shared/session/viewer";
import { Status } from "../../shared/table/Status";
import { Table, type Column } from "../../shared/table/Table";
import { examplesFor } from "../graphiql/examples";
import { API_KEYS, CREATE_KEY, KEY_ACCOUNTS, REVOKE_KEY, ROTATE_KEY, type ApiKey } from "./documents";
import { endAfter, keyState, readNetworks, snippets } from "./keys";
import { LimitsSection } from "./LimitsSection";

type TabId = "keys" | "limits" | "explore";

const TABS: readonly Tab<TabId>[] = [
  { id: "keys", label: "API keys" },
  { id: "limits", label: "Limits" },
  { id: "explore", label: "Try the API" },
];

export function DevelopersPage(): JSX.Element {
  const [search, patch] = usePageSearch();
  const current = tabOf(search["tab"], TABS);
  return (
    <Page title="Developers">
      <Tabs label="Developers" tabs={TABS} current={current} onChoose={(tab) => patch({ tab })} />
      {current === "keys" && <KeysSection />}
      {current === "limits" && <LimitsSection />}
      {current === "explore" && <ExploreSection />}
    </Page>
  );
}

type Issued = PayloadOf<ResultOf<typeof CREATE_KEY>> | PayloadOf<ResultOf<typeof ROTATE_KEY>>;
type Question = { kind: "rotate" | "revoke"; key: ApiKey };

function KeysSection(): JSX.Element {
  const answer = useAnswer(API_KEYS, {}, { everyMs: 30_000 });
  const [search, patch] = usePageSearch();
  const [isCreating, setIsCreating] = useState(false);
  const [question, setQuestion] = useState<Question | null>(null);
  const [issued, setIssued] = useState<Issued | null>(null);
  const showsEnded = search["ended"] === "1";

  function told(next: Issued): void {
    setIsCreating(false);
    setQuestion(null);
    setIssued(next);
    answer.reload();
  }

  return (
    <Section
      title="API keys"
      about="A key never may more than the member who answers for it still may. Who copies one has its power: keep keys where you keep passwords."
      answer={answer}
      isTable
      actions={
        <>
          <Button kind="word" aria-pressed={showsEnded} onClick={() => patch({ ended: showsEnded ? "" : "1" })}>
            {showsEnded ? "Hide ended keys" : "Show ended keys"}
          </Button>
          <Button kind="primary" onClick={() => setIsCreating(true)}>
            New key
          </Button>
        </>
      }
    >
      <Answered answer={answer} what="the API keys">
        {({ apiKeys }) => {
          const rows = apiKeys.filter((key) => showsEnded || keyState(key, new Date()).holds);
          return rows.length === 0 ? (
            <p className="px-4 py-3 text-faint">No active key. Make one for the program that is to trade.</p>
          ) : (
            <Table label="API keys" columns={keyColumns(setQuestion)} rows={rows} rowKey={(row) => row.id} />
          );
        }}
      </Answered>
      {isCreating && <CreateDialog onDone={told} onClose={() => setIsCreating(false)} />}
      {question?.kind === "rotate" && <RotateDialog held={question.key} onDone={told} onClose={() => setQuestion(null)} />}
      {question?.kind === "revoke" && (
        <Confirm
          title={`Revoke ${question.key.name}`}
          submit="Revoke"
          busy="Revoking"
          isDangerous
          act={() => act(REVOKE_KEY, { input: { apiKeyId: question.key.id } })}
          onDone={() => {
            setQuestion(null);
            answer.reload();
            toast("ok", `The key ${question.key.name} is revoked.`);
          }}
          onClose={() => setQuestion(null)}
        >
          <p>
            Programs that use it are refused within five seconds, and their sockets are closed. Orders that work go on working.
          </p>
        </Confirm>
      )}
      {issued?.secret && (
        <Dialog title={`The key ${issued.apiKey?.name ?? ""}`} onClose={() => setIssued(null)} isHeld>
          <p className="text-body text-soft">This is told once. Copy it now; afterwards only its first part is shown.</p>
          <Once label="API key" secret={issued.secret} />
          <div>
            <Button kind="primary" onClick={() => setIssued(null)}>
              I have kept it
            </Button>
          </div>
        </Dialog>
      )}
    </Section>
  );
}

function keyColumns(ask: (question: Question) => void): Column<ApiKey>[] {
  return [
    { key: "name", header: "Name", cell: (row) => row.name },
    { key: "prefix", header: "Key", cell: (row) => `${row.prefix}…`, className: "max-md:hidden" },
    {
      key: "scopes",
      header: "Scopes",
      cell: (row) => (
        <span title={row.scopes.map(scopeInWords).join("\n")}>
          {row.scopes.length === 1 && row.scopes[0] ? scopeInWords(row.scopes[0]) : `${row.scopes.length} scopes`}
          {row.isRestricted && <span className="text-faint"> · some accounts</span>}
        </span>
      ),
      className: "max-sm:hidden",
    },
    {
      key: "networks",
      header: "Addresses",
      cell: (row) => (row.ipAllowlist.length === 0 ? "Everywhere" : row.ipAllowlist.join(", ")),
      className: "max-lg:hidden",
    },
    {
      key: "quota",
      header: "Per minute",
      isNumber: true,
      cell: (row) => (row.requestsPerMinute === null ? "No quota" : row.requestsPerMinute),
      className: "max-lg:hidden",
    },
    {
      key: "used",
      header: "Last used",
      cell: (row) => (row.lastUsedAt === null ? <span className="text-faint">Never</span> : formatTime(row.lastUsedAt)),
      className: "max-sm:hidden",
    },
    { key: "made", header: "Created", cell: (row) => formatTime(row.createdAt), className: "max-md:hidden" },
    { key: "state", header: "State", cell: (row) => <Status {...keyState(row, new Date())} /> },
    {
      key: "act",
      header: "",
      isNumber: true,
      cell: (row) =>
        keyState(row, new Date()).holds ? (
          <span className="inline-flex gap-3">
            <Button kind="word" onClick={() => ask({ kind: "rotate", key: row })}>
              Rotate
            </Button>
            <Button kind="dangerWord" onClick={() => ask({ kind: "revoke", key: row })}>
              Revoke
            </Button>
          </span>
        ) : null,
    },
  ];
}

interface IssueProps {
  onDone: (issued: Issued) => void;
  onClose: () => void;
}

function CreateDialog({ onDone, onClose }: IssueProps): JSX.Element {
  const own = useViewer().viewer?.scopes ?? [];
  const accounts = useAnswer(KEY_ACCOUNTS, {}).data?.brokerAccounts ?? [];
  return (
    <Dialog title="New API key" onClose={onClose} isWide>
      <ActForm
        submit="Make the key"
        busy="Making"
        act={(form) => {
          const networks = readNetworks(textOf(form, "ipAllowlist"));
          const quota = textOf(form, "requestsPerMinute");
          return act(CREATE_KEY, {
            input: {
              name: textOf(form, "name"),
              scopes: scopesOf(form),
              expiresAt: endAfter(textOf(form, "days"), new Date()),
              ...(networks.length === 0 ? {} : { ipAllowlist: networks }),
              ...(quota === "" ? {} : { requestsPerMinute: Number(quota) }),
              accounts: grantsOf(form),
            },
          });
        }}
        onDone={onDone}
        onCancel={onClose}
      >
        <div className="grid gap-3 sm:grid-cols-2">
          <TextField name="name" label="Name" hint="Of the program that will use it" maxLength={100} isFirst />
          <SelectField
            name="days"
            label="Ends"
            defaultValue="90"
            choices={[
              { value: "30", label: "After 30 days" },
              { value: "90", label: "After 90 days" },
              { value: "365", label: "After a year" },
              { value: "", label: "When it is revoked" },
            ]}
          />
        </div>
        <ScopeField own={own} chosen={["VIEW_ORDERS", "VIEW_POSITIONS", "VIEW_MARKET_DATA"]} />
        <GrantField accounts={accounts} grants={null} all="The accounts that you have yourself." />
        <div className="grid gap-3 sm:grid-cols-2">
          <AreaField name="ipAllowlist" label="Only from" hint="Networks such as 192.0.2.0/24; nothing for everywhere" isOptional />
          <TextField
            name="requestsPerMinute"
            label="Requests a minute, at most"
            type="number"
            min="1"
            hint="Nothing for the limits of the installation alone"
            isOptional
          />
        </div>
      </ActForm>
    </Dialog>
  );
}

function RotateDialog({ held, onDone, onClose }: IssueProps & { held: ApiKey }): JSX.Element {
  return (
    <Dialog title={`Rotate ${held.name}`} onClose={onClose}>
      <p className="text-body text-soft">
        A successor with the same terms. Old and new hold together for a while, so that a program can change over without a
        pause.
      </p>
      <ActForm
        submit="Rotate"
        busy="Rotating"
        act={(form) => act(ROTATE_KEY, { input: { apiKeyId: held.id, overlapSeconds: Number(textOf(form, "overlap")) } })}
        onDone={onDone}
        onCancel={onClose}
      >
        <SelectField
          name="overlap"
          label="The old key ends"
          defaultValue="3600"
          choices={[
            { value: "0", label: "At once" },
            { value: "3600", label: "In an hour" },
            { value: "86400", label: "In a day" },
            { value: "604800", label: "In a week" },
          ]}
        />
      </ActForm>
    </Dialog>
  );
}

function ExploreSection(): JSX.Element {
  const { viewer } = useViewer();
  const url = new URL("/graphql", location.href).href;
  const names = examplesFor("").map(({ query }) => ({
    name: /^(?:query|mutation|subscription)\s+(\w+)/m.exec(query)?.[1] ?? "",
    about: /^#\s*(.*)$/m.exec(query)?.[1] ?? "",
  }));
  return (
    <>
      <Section title="GraphiQL">
        {viewer && mayExplore(viewer.scopes) ? (
          <>
            <p className="mb-3 max-w-140 text-body text-soft">
              Every operation with its documentation, run with your own session. It opens with these examples, each in a tab:
            </p>
            <dl className="mb-4 grid max-w-160 grid-cols-[minmax(7rem,max-content)_minmax(0,1fr)] gap-x-4 gap-y-1 text-small">
              {names.map(({ name, about }) => (
                <div key={name} className="contents">
                  <dt className="font-medium">{name}</dt>
                  <dd className="text-soft">{about}</dd>
                </div>
              ))}
            </dl>
            <a href="/graphiql" className="inline-flex h-7 items-center rounded-sm bg-accent px-3 text-small font-medium text-on-accent">
              Open GraphiQL
            </a>
          </>
        ) : (
          <p className="text-body text-soft">GraphiQL is not open to your role in this installation. The API itself is.</p>
        )}
      </Section>
      <Section title="From a program" about={`The API is at ${url}, over HTTP and, for subscriptions, over WebSocket.`}>
        <div className="grid gap-4 xl:grid-cols-2">
          {snippets(url).map(({ label, text }) => (
            <div key={label} className="min-w-0">
              <h3 className="mb-1 text-small font-medium text-soft">{label}</h3>
              <Once label={label} secret={text} />
            </div>
          ))}
        </div>
      </Section>
    </>
  );
}
