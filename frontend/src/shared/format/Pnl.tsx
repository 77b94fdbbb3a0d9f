/** Profit and loss: its sign, an arrow and a colour, so that no one of them is alone. */
import type { JSX } from "react";

import { formatDecimal, signOf } from "./decimal";

const MONEY_DECIMALS = 2;

interface PnlProps {
  value: string;
  decimals?: number;
  unit?: string;
}

export function Pnl({ value, decimals = MONEY_DECIMALS, unit = "" }: PnlProps): JSX.Element {
  const shown = formatDecimal(value, { decimals, signed: true });
  const sign = signOf(value);
  if (sign === 0) return <span className="text-faint">{shown + unit}</span>;
  return (
    <span className={sign > 0 ? "text-gain" : "text-loss"}>
      <svg viewBox="0 0 8 8" width="7" height="7" aria-hidden="true" className="mr-1 inline-block">
        <path d={sign > 0 ? "M4 1 7.5 7h-7z" : "M4 7 7.5 1h-7z"} fill="currentColor" />
      </svg>
      {shown + unit}
    </span>
  );
}

export function money(value: string): string {
  return formatDecimal(value, { decimals: MONEY_DECIMALS });
}

export const NOTHING = <span className="text-faint">–</span>;
