/** What would loosen a limit, and waits for a second person. */
import { useState, type JSX } from "react";

import { act, type Outcome } from "../../../shared/act/act";
import { Button } from "../../../shared/controls/Button";
import { Confirm } from "../../../shared/controls/Confirm";
import { Differences } from "../../../shared/controls/Differences";
import { Facts } from "../../../shared/controls/Facts";
import { FILTER } from "../../../shared/controls/Form";
import { formatEnum, formatTime } from "../../../shared/format/time";
import { useActors } from "../../../shared/identity/actors";
import { toast } from "../../../shared/overlay/toasts";
import { usePageSearch } from "../../../shared/page/search";
import { Answered } from "../../../shared/query/Answered";
import { More } from "../../../shared/query/More";
import { Stale } from "../../../shared/query/Stale";
import type { Pages } from "../../../shared/query/usePages";
import { Status, type Tone } from "../../../shared/table/Status";
import { APPROVE_PROPOSAL, REJECT_PROPOSAL, type Proposal } from "../documents";
import { Toolbar } from "../Toolbar";
import { amountInWords, KINDS } from "../words";

const TONES: Record<Proposal["state"], Tone> = {
  PENDING: "pending",
  APPROVED: "ok",
  REJECTED: "critical",
  WITHDRAWN: "ended",
  EXPIRED: "ended",
  OVERTAKEN: "warn",
};

type Question = { proposal: Proposal; approves: boolean };

export function ProposalsTab({ pages }: { pages: Pages<Proposal> }): JSX.Element {
  const [search, patch] = usePageSearch();
  const nameOfActor = useActors();
  const [question, setQuestion] = useState<Question | null>(null);
  return (
    <>
      <Toolbar>
        <select aria-label="Which proposals" className={FILTER} value={search["proposals"] ?? ""} onChange={(event) => patch({ proposals: event.target.value })}>
          <option value="">Waiting</option>
          <option value="all">All</option>
        </select>
        <Stale answer={pages} limitMs={60_000} />
      </Toolbar>
      <Answered
        answer={pages}
        what="the proposals"
        empty={({ rows }) => (rows.length > 0 ? null : { title: "No proposal waits.", words: "What loosens a limit stands here until a second person approves it." })}
      >
        {({ rows }) => (
          <ul>
            {rows.map((proposal) => (
              <One key={proposal.id} proposal={proposal} nameOfActor={nameOfActor} onDecide={(approves) => setQuestion({ proposal, approves })} />
            ))}
          </ul>
        )}
      </Answered>
      <More pages={pages} what="proposals" />
      {question && (
        <Confirm
          title={titleOf(question, nameOfActor)}
          submit={question.approves ? "Approve" : "Reject"}
          busy="Deciding"
          isDangerous={!question.approves}
          reason="Why"
          isReasonOptional
          act={(reason) => decide(question, reason)}
          onDone={() => {
            toast("ok", question.approves ? "Approved: it counts from now on" : "The proposal has ended");
            setQuestion(null);
            pages.reload();
          }}
          onClose={() => setQuestion(null)}
        >
          <p>{question.proposal.why.join(" ")}</p>
        </Confirm>
      )}
    </>
  );
}

function titleOf({ proposal, approves }: Question, nameOfActor: (actor: string) => string): string {
  if (approves) return "Approve the change";
  return nameOfActor(proposal.proposedBy) === "You" ? "Withdraw the proposal" : "Reject the change";
}

async function decide({ proposal, approves }: Question, reason: string): Promise<Outcome<unknown>> {
  const input = { proposalId: proposal.id, reason: reason || null };
  return approves ? await act(APPROVE_PROPOSAL, { input }) : await act(REJECT_PROPOSAL, { input });
}

interface OneProps {
  proposal: Proposal;
  nameOfActor: (actor: string | null) => string;
  onDecide: (approves: boolean) => void;
}

function One({ proposal, nameOfActor, onDecide }: OneProps): JSX.Element {
  const { before, wanted } = proposal;
  const maker = nameOfActor(proposal.proposedBy);
  const isPending = proposal.state === "PENDING";
  const change = wanted === null ? "delete it" : `${amountInWords(wanted.limitType, before.value, before.currency)} → ${amountInWords(wanted.limitType, wanted.value, wanted.currency)}`;
  return (
    <li className="border-b border-line px-4 py-3">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <h2 className="font-semibold">{KINDS[before.limitType].label}</h2>
        <span>{change}</span>
        <Status tone={TONES[proposal.state]} label={formatEnum(proposal.state)} />
        {isPending && (
          <span className="ml-auto flex gap-2">
            <Button onClick={() => onDecide(false)}>{maker === "You" ? "Withdraw" : "Reject"}</Button>
            {maker !== "You" && (
              <Button kind="primary" onClick={() => onDecide(true)}>
                Approve
              </Button>
            )}
          </span>
        )}
      </div>
      <div className="grid gap-4 pt-2 lg:grid-cols-2">
        <Facts
          facts={[
            ["Takes two", proposal.why.join(" ")],
            ["Proposed", `${maker}, ${formatTime(proposal.createdAt)}`],
            ["Reason", proposal.reason],
            ["Ends by itself", isPending && formatTime(proposal.expiresAt)],
            ["Decided", proposal.decidedAt && `${nameOfActor(proposal.decidedBy)}, ${formatTime(proposal.decidedAt)}`],
            ["Reason", proposal.decisionReason],
          ]}
        />
        <Differences before={before} after={wanted} names={{ before: "Now", after: "Wanted" }} />
      </div>
    </li>
  );
}
