/** How long the firm keeps its audit log, its alerts and its closed cases, and what a change of that deletes. */
import { useState, type JSX } from "react";

import { act } from "../../shared/act/act";
import { Facts } from "../../shared/controls/Facts";
import { ActForm, CheckField, TextField } from "../../shared/controls/Form";
import { formatTime } from "../../shared/format/time";
import { useActors } from "../../shared/identity/actors";
import { toast } from "../../shared/overlay/toasts";
import { Answered, Section } from "../../shared/query/Answered";
import { useAnswer } from "../../shared/query/useAnswer";
import { AUDIT_RETENTION, RECORD_RETENTION, SET_AUDIT_RETENTION, SET_RECORD_RETENTION } from "./documents";
import { changeInWords, daysFrom, isShorter, KEEP_DAYS_MAX, KEEP_DAYS_MIN, ruleInWords, SEC_DAYS, spanInWords } from "./retention";

const HINT = `From ${KEEP_DAYS_MIN} (five years, MiFID II); ${SEC_DAYS} for whom SEC Rule 17a-4 binds`;

const ENTRIES = "entries";
const ALERTS = "alerts of restricted names";
const CASES = "closed cases";

interface RetentionProps {
  mayChange: boolean;
}

export function AuditRetentionSection({ mayChange }: RetentionProps): JSX.Element {
  const answer = useAnswer(AUDIT_RETENTION, {});
  const nameOfActor = useActors();
  return (
    <Section title="Audit log" about="An installation that signs the log's heads deletes by night what the rule lets go; others delete nothing." answer={answer}>
      <Answered answer={answer} what="how long the audit log is kept">
        {({ auditRetention: { keepDays, setAt, setBy } }) => (
          <div className="flex flex-col gap-3">
            <Facts
              facts={[
                ["Kept", spanInWords(keepDays)],
                ["Set", setAt && `${nameOfActor(setBy)}, ${formatTime(setAt)}`],
              ]}
            />
            {mayChange ? (
              <AuditForm key={String(keepDays)} keepDays={keepDays} onDone={answer.reload} />
            ) : (
              <Consequence what={ENTRIES} before={keepDays} after={keepDays} />
            )}
          </div>
        )}
      </Answered>
    </Section>
  );
}

function AuditForm({ keepDays, onDone }: { keepDays: number | null; onDone: () => void }): JSX.Element {
  const [isForever, setIsForever] = useState(keepDays === null);
  const [typed, setTyped] = useState(String(keepDays ?? KEEP_DAYS_MIN));
  const wanted = isForever ? null : daysFrom(typed);
  return (
    <ActForm
      className="max-w-160"
      submit="Save"
      busy="Saving"
      kind={isShorter(keepDays, wanted) ? "danger" : "plain"}
      act={() => act(SET_AUDIT_RETENTION, { input: { keepDays: isForever ? null : Number(typed) } })}
      onDone={() => {
        toast("ok", "The rule holds from the coming night on.");
        onDone();
      }}
    >
      <CheckField name="forever" label="Keep everything for ever" isChecked={isForever} onChange={setIsForever} />
      {!isForever && <DaysField name="keepDays" label="Keep, days" value={typed} onChange={setTyped} />}
      {(isForever || wanted !== null) && <Consequence what={ENTRIES} before={keepDays} after={wanted} />}
      {isShorter(keepDays, wanted) && <Acknowledged />}
    </ActForm>
  );
}

export function RecordRetentionSection({ mayChange }: RetentionProps): JSX.Element {
  const answer = useAnswer(RECORD_RETENTION, {});
  const nameOfActor = useActors();
  return (
    <Section
      title="Compliance records"
      about="Orders, executions, lists, breaches and open cases are kept for good: no setting lets them go."
      answer={answer}
    >
      <Answered answer={answer} what="how long compliance records are kept">
        {({ recordRetention: { alertDays, caseDays, setAt, setBy } }) => (
          <div className="flex flex-col gap-3">
            <Facts
              facts={[
                ["Alerts", spanInWords(alertDays)],
                ["Closed cases", spanInWords(caseDays)],
                ["Set", setAt === null ? "Never: the default" : `${nameOfActor(setBy)}, ${formatTime(setAt)}`],
              ]}
            />
            {mayChange ? (
              <RecordForm key={`${alertDays} ${caseDays}`} alertDays={alertDays} caseDays={caseDays} onDone={answer.reload} />
            ) : (
              <>
                <Consequence what={ALERTS} before={alertDays} after={alertDays} />
                <Consequence what={CASES} before={caseDays} after={caseDays} />
              </>
            )}
          </div>
        )}
      </Answered>
    </Section>
  );
}

interface RecordFormProps {
  alertDays: number;
  caseDays: number;
  onDone: () => void;
}

function RecordForm({ alertDays, caseDays, onDone }: RecordFormProps): JSX.Element {
  const [alerts, setAlerts] = useState(String(alertDays));
  const [cases, setCases] = useState(String(caseDays));
  const [wantedAlerts, wantedCases] = [daysFrom(alerts), daysFrom(cases)];
  const letsGo = isShorter(alertDays, wantedAlerts) || isShorter(caseDays, wantedCases);
  return (
    <ActForm
      className="max-w-160"
      submit="Save"
      busy="Saving"
      kind={letsGo ? "danger" : "plain"}
      act={() => act(SET_RECORD_RETENTION, { input: { alertDays: Number(alerts), caseDays: Number(cases) } })}
      onDone={() => {
        toast("ok", "The rule holds from the coming night on.");
        onDone();
      }}
    >
      <div className="grid gap-3 sm:grid-cols-2">
        <DaysField name="alertDays" label="Keep alerts of restricted names, days" value={alerts} onChange={setAlerts} />
        <DaysField name="caseDays" label="Keep closed cases, days" hint={`From the closing and the last note on. ${HINT}`} value={cases} onChange={setCases} />
      </div>
      {wantedAlerts !== null && <Consequence what={ALERTS} before={alertDays} after={wantedAlerts} />}
      {wantedCases !== null && <Consequence what={CASES} before={caseDays} after={wantedCases} />}
      {letsGo && <Acknowledged />}
    </ActForm>
  );
}

interface DaysFieldProps {
  name: string;
  label: string;
  hint?: string;
  value: string;
  onChange: (text: string) => void;
}

function DaysField({ hint = HINT, ...rest }: DaysFieldProps): JSX.Element {
  return <TextField {...rest} type="number" min={String(KEEP_DAYS_MIN)} max={String(KEEP_DAYS_MAX)} hint={hint} />;
}

function Consequence({ what, before, after }: { what: string; before: number | null; after: number | null }): JSX.Element {
  const [now] = useState(() => new Date());
  const change = changeInWords(what, before, after, now);
  return (
    <p aria-live="polite" className="max-w-160 text-small text-soft">
      {ruleInWords(what, after, now)}
      {change !== null && <span className={isShorter(before, after) ? "text-warn" : ""}> {change}</span>}
    </p>
  );
}

function Acknowledged(): JSX.Element {
  return <CheckField name="acknowledged" label="Delete them: what is gone stays gone" isRequired />;
}
