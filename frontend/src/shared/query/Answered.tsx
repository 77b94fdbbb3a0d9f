/** A part of a page over one question: loading, forbidden, failed, empty, stale, or what it answers. */
import { useState, type JSX, type ReactNode } from "react";

import { ToolSlot } from "../table/slot";
import { Empty, Failed, Forbidden, Loading } from "../page/states";
import { Stale } from "./Stale";
import type { Answer } from "./useAnswer";

interface AnsweredProps<Data> {
  answer: Answer<Data>;
  /** What it is, as in "Your role may not see the members". */
  what: string;
  /** Blank words when there is nothing; null when there is something. */
  empty?: (data: Data) => { title: string; words?: string } | null;
  children: (data: Data) => ReactNode;
}

export function Answered<Data>({ answer, what, empty, children }: AnsweredProps<Data>): JSX.Element {
  const { data } = answer;
  if (answer.isForbidden) return <Forbidden what={what} />;
  if (data === null) return answer.failure === null ? <Loading what={what} /> : <Failed message={answer.failure} onRetry={answer.reload} />;
  const nothing = empty?.(data);
  return <>{nothing ? <Empty title={nothing.title}>{nothing.words}</Empty> : children(data)}</>;
}

interface SectionProps {
  title: string;
  /** Words below the title. */
  about?: ReactNode;
  actions?: ReactNode;
  /** Where its content may grow old. */
  answer?: Answer<unknown>;
  staleMs?: number;
  /** Tables reach to the edges; forms do not. */
  isTable?: boolean;
  children: ReactNode;
}

/** A titled part of a page. */
export function Section({ title, about, actions, answer, staleMs, isTable, children }: SectionProps): JSX.Element {
  // The region of a table bears the same name.
  const Frame = isTable ? "div" : "section";
  const [slot, setSlot] = useState<HTMLElement | null>(null);
  return (
    <Frame aria-label={isTable ? undefined : title} className="flex min-w-0 flex-col border-b border-line last:border-b-0">
      <header className="flex min-h-9 flex-wrap items-center gap-x-3 gap-y-1 px-4 pt-1">
        <h2 className="text-body font-semibold">{title}</h2>
        {answer && <Stale answer={answer} {...(staleMs === undefined ? {} : { limitMs: staleMs })} />}
        <div className="ml-auto flex flex-wrap items-center gap-3">
          {actions}
          <span ref={setSlot} className="contents" />
        </div>
      </header>
      {about !== undefined && <p className="max-w-160 px-4 pb-2 text-small text-faint">{about}</p>}
      <div className={isTable ? "min-w-0 pb-2" : "min-w-0 px-4 pt-1 pb-4"}><ToolSlot value={slot}>{children}</ToolSlot></div>
    </Frame>
  );
}
