/** Gives an account a set of limits at once. */
import { useState, type JSX } from "react";

import { act } from "../../../shared/act/act";
import { Dialog } from "../../../shared/controls/Dialog";
import { ActForm, SelectField, TextField, textOf, textOrNull } from "../../../shared/controls/Form";
import { multiply } from "../../../shared/format/decimal";
import { Answered } from "../../../shared/query/Answered";
import { useAnswer } from "../../../shared/query/useAnswer";
import { accountName, useAccounts } from "../../../shared/session/accounts";
import { APPLY_TEMPLATE, TEMPLATES, type Template } from "../documents";
import { amountInWords, KINDS } from "../words";

interface TemplateDialogProps {
  onDone: (words: string, isProposed: boolean) => void;
  onClose: () => void;
}

export function TemplateDialog({ onDone, onClose }: TemplateDialogProps): JSX.Element {
  const answer = useAnswer(TEMPLATES, {});
  return (
    <Dialog title="Apply a template" onClose={onClose} isWide>
      <Answered answer={answer} what="the templates">
        {({ riskTemplates }) => <Form templates={riskTemplates} onDone={onDone} onClose={onClose} />}
      </Answered>
    </Dialog>
  );
}

function Form({ templates, onDone, onClose }: TemplateDialogProps & { templates: readonly Template[] }): JSX.Element {
  const accounts = useAccounts();
  const [name, setName] = useState(templates[0]?.name ?? "");
  const chosen = templates.find((each) => each.name === name);
  return (
    <ActForm
      submit="Apply"
      busy="Applying"
      act={(form) =>
        act(APPLY_TEMPLATE, {
          input: { accountId: textOf(form, "accountId"), template: name, capital: textOrNull(form, "capital"), reason: textOrNull(form, "reason") },
        })
      }
      onDone={({ riskLimits, skipped }) => onDone(`${riskLimits.length} limits set${skipped.length > 0 ? `, ${skipped.length} were there` : ""}`, false)}
      onCancel={onClose}
    >
      <div className="grid gap-3 sm:grid-cols-2">
        <SelectField name="accountId" label="Account" choices={accounts.map((each) => ({ value: each.id, label: `${accountName(each)} ${each.baseCurrency}` }))} />
        <SelectField name="template" label="Template" value={name} onChange={setName} choices={templates.map((each) => ({ value: each.name, label: each.name }))} />
      </div>
      {chosen && (
        <div className="text-small">
          <p className="pb-1 text-soft">{chosen.description}</p>
          <ul aria-label="Its limits" className="grid gap-x-6 sm:grid-cols-2">
            {chosen.limits.map((limit) => (
              <li key={limit.limitType} className="flex justify-between gap-3">
                <span className="text-soft">{KINDS[limit.limitType].label}</span>
                <span>
                  {limit.partOfCapital === null
                    ? amountInWords(limit.limitType, limit.value, null)
                    : `${amountInWords("PRICE_COLLAR", multiply(limit.partOfCapital, "100"), null)} of the capital`}
                </span>
              </li>
            ))}
          </ul>
        </div>
      )}
      <TextField name="capital" label="Capital" inputMode="decimal" hint="In the account's base currency; nothing for the equity that the broker tells" isOptional />
      <TextField name="reason" label="Why" maxLength={500} isOptional hint="Types of which the account has a limit of its own are left alone" />
    </ActForm>
  );
}
