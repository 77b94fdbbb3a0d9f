/** What a limit would have blocked of the orders of the last days. */
import { useState, type JSX } from "react";

import { Button } from "../../../shared/controls/Button";
import { Facts } from "../../../shared/controls/Facts";
import { FILTER } from "../../../shared/controls/Form";
import { formatDecimal } from "../../../shared/format/decimal";
import { formatEnum, formatTime } from "../../../shared/format/time";
import { RoomLink } from "../../../shared/page/links";
import { Answered } from "../../../shared/query/Answered";
import { useAnswer } from "../../../shared/query/useAnswer";
import { SHADOW_REPORT, type Limit } from "../documents";

const DAYS = [1, 5, 30] as const;

export function ShadowSection({ limit }: { limit: Limit }): JSX.Element {
  const [days, setDays] = useState(5);
  const [isWanted, setIsWanted] = useState(limit.isShadow);
  return (
    <section aria-label="What it would have blocked" className="border-b border-line py-2">
      <header className="flex flex-wrap items-center gap-3 px-4 pb-1">
        <h3 className="text-small font-medium text-faint">What it would have blocked</h3>
        {isWanted ? (
          <select aria-label="Of the last days" className={`${FILTER} ml-auto`} value={days} onChange={(event) => setDays(Number(event.target.value))}>
            {DAYS.map((each) => (
              <option key={each} value={each}>
                {each === 1 ? "1 day" : `${each} days`}
              </option>
            ))}
          </select>
        ) : (
          <Button kind="word" onClick={() => setIsWanted(true)}>
            Look
          </Button>
        )}
      </header>
      {isWanted && <Report key={limit.version} limitId={limit.id} days={days} />}
    </section>
  );
}

function Report({ limitId, days }: { limitId: string; days: number }): JSX.Element {
  const answer = useAnswer(SHADOW_REPORT, { limitId, days });
  return (
    <Answered answer={answer} what="what it would have blocked">
      {({ riskShadowReport: report }) => (
        <div className="px-4">
          <Facts
            facts={[
              ["Blocked", <strong key="blocked">{`${report.blocked} of ${report.recorded + report.replayed} answered`}</strong>],
              ["Orders looked at", `${report.orders}${report.isWhole ? "" : ", the newest"}, since ${formatTime(report.since)}`],
              ["Recorded", String(report.recorded)],
              ["Replayed", String(report.replayed)],
              ["Not known", report.notReplayable > 0 && `${report.notReplayable}: ${report.gaps.map((gap) => `${gap.reason} (${gap.orders})`).join("; ")}`],
              ["Not covered", report.notCovered > 0 && String(report.notCovered)],
              ["Refused anyway", report.refusedAnyway > 0 && String(report.refusedAnyway)],
            ]}
          />
          {report.blockedOrders.length > 0 && (
            <ul className="mt-2 max-h-60 overflow-auto border-t border-line">
              {report.blockedOrders.map(({ order, message, source }) => (
                <li key={order.id} className="border-b border-line py-1 text-small">
                  <RoomLink to="/orders" search={{ order: order.id }}>
                    {`${formatEnum(order.side)} ${formatDecimal(order.quantity)} ${order.instrument.symbol}`}
                  </RoomLink>
                  <span className="text-faint"> {formatTime(order.createdAt)}, {source.toLowerCase()}</span>
                  <span className="block text-soft">{message}</span>
                </li>
              ))}
            </ul>
          )}
        </div>
      )}
    </Answered>
  );
}
