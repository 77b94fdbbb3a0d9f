import type { JSX, ReactNode } from "react";

import { decimalsOf, formatDecimal } from "../../shared/format/decimal";
import { money, NOTHING } from "../../shared/format/Pnl";
import { Status } from "../../shared/table/Status";
import { CheckList, Facts } from "../orders/OrderDetails";
import type { Preview } from "./documents";
import type { Previewed } from "./usePreview";

function faint(text: string): JSX.Element {
  return <span className="text-faint">{text}</span>;
}

function factsOf(preview: Preview, tickSize: string): [string, ReactNode][] {
  const { commission, minCommission, maxCommission, commissionCurrency, initialMarginChange } = preview;
  const range = minCommission !== null && maxCommission !== null ? `${money(minCommission)} to ${money(maxCommission)}` : null;
  const costs = commission === null ? range : money(commission);
  const margin =
    initialMarginChange === null
      ? faint(preview.marginUnavailable?.message ?? "not told")
      : `${formatDecimal(initialMarginChange, { decimals: 2, signed: true })} ${preview.marginCurrency ?? ""}`;
  return [
    ["Valued at", preview.price === null ? NOTHING : formatDecimal(preview.price, { decimals: decimalsOf(tickSize) })],
    [
      "Notional",
      preview.notionalUnavailable ? faint(preview.notionalUnavailable.message) : `${money(preview.notional)} ${preview.currency ?? ""}`,
    ],
    ["Initial margin", margin],
    ["Commission", costs === null ? faint("not told") : `${costs} ${commissionCurrency ?? ""}`],
  ];
}

/** What the order would cost and what every limit says to it. */
export function PreviewPane({ previewed, tickSize }: { previewed: Previewed; tickSize: string }): JSX.Element | null {
  const { preview, failure, isAsking } = previewed;
  if (failure !== null) return <p className="px-4 py-2 text-small text-warn">No preview: {failure}</p>;
  if (preview === null) return isAsking ? <p className="px-4 py-2 text-small text-faint">Asking for a preview</p> : null;
  const errors = preview.errors.filter((error) => !preview.riskChecks.some((check) => check.message === error.message));
  return (
    <section aria-label="Preview" className="border-t border-line px-4 py-2">
      <Facts facts={factsOf(preview, tickSize)} />
      {preview.brokerWarning !== null && <p className="pt-1 text-small text-warn">{preview.brokerWarning}</p>}
      <div className="pt-2">
        {preview.wouldBeAccepted ? (
          <Status
            tone={preview.wouldNeedApproval ? "pending" : "ok"}
            label={preview.wouldNeedApproval ? "It would wait for a second person." : "It would be accepted."}
          />
        ) : (
          <Status tone="critical" label="It would be refused." />
        )}
        {errors.map((error) => (
          <p key={error.message} className="text-small text-critical">
            {error.message}
          </p>
        ))}
      </div>
      {preview.riskChecks.length > 0 && (
        <details className="pt-2" open={!preview.wouldBeAccepted}>
          <summary className="cursor-pointer text-small text-soft">
            {preview.riskChecks.filter((check) => check.outcome === "PASSED").length} of{" "}
            {preview.riskChecks.filter((check) => check.outcome !== "SKIPPED").length} risk checks pass
          </summary>
          <CheckList checks={preview.riskChecks} />
        </details>
      )}
    </section>
  );
}
