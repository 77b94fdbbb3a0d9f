/** The conditions of a limit: which of them each type takes, and one document that every control of the form changes. */
import type { Complaint } from "../../../shared/act/act";
import type { LimitType } from "../documents";

/** As the API keeps them. What no control knows stays in it as it is. */
export type Conditions = Readonly<Record<string, unknown>>;

export type Option = readonly [value: string, label: string];

interface Named {
  key: string;
  label: string;
  hint?: string;
}

export type Condition =
  | (Named & { kind: "symbols"; isRequired?: boolean })
  | (Named & { kind: "times" })
  | (Named & { kind: "flag" })
  /** Any of a few; none ticked says nothing. */
  | (Named & { kind: "marks"; options: readonly Option[] })
  /** One of a few; `usual` holds where nothing is said. */
  | (Named & { kind: "choice"; options: readonly Option[]; usual: string })
  | (Named & { kind: "whole"; least: number; most: number; usual?: string })
  | (Named & { kind: "percent"; usual: string });

/** What becomes of two orders of the firm that could deal with each other. */
export const CROSS_POLICIES: readonly Option[] = [
  ["BLOCK_NEWEST", "The order that comes later is refused"],
  ["CANCEL_RESTING", "What rests in its own account is canceled for it"],
];

const COMMON: readonly Condition[] = [
  { kind: "symbols", key: "symbols", label: "Only these symbols", hint: "Apart by commas or lines; nothing for every one" },
  {
    kind: "marks",
    key: "sides",
    label: "Only these sides",
    hint: "None ticked: both",
    options: [
      ["BUY", "Buys"],
      ["SELL", "Sells"],
    ],
  },
  {
    kind: "marks",
    key: "modes",
    label: "Only these accounts",
    hint: "None ticked: every account that the limit covers",
    options: [
      ["LIVE", "Live"],
      ["PAPER", "Paper"],
      ["SIM", "Simulated"],
    ],
  },
  {
    kind: "choice",
    key: "reducing",
    label: "Orders that only make a position smaller",
    usual: "HOLD",
    options: [
      ["HOLD", "Are held, too"],
      ["PASS", "Pass"],
    ],
  },
  { kind: "times", key: "times", label: "Only in these hours", hint: "None: at all hours" },
];

const SYMBOL_LIST: Condition = { kind: "symbols", key: "symbols", label: "Symbols", hint: "Apart by commas or lines", isRequired: true };

const WINDOW_MAX_S = 3600;
const ALLOWANCE_MAX = 100_000;

const RATE: readonly Condition[] = [
  { kind: "whole", key: "windowSeconds", label: "Counts so far back, seconds", least: 1, most: WINDOW_MAX_S },
  {
    kind: "whole",
    key: "allowance",
    label: "Not held before so many orders",
    hint: "Of the orders counted; nothing for 20",
    least: 0,
    most: ALLOWANCE_MAX,
    usual: "20",
  },
];

const OWN: Partial<Record<LimitType, readonly Condition[]>> = {
  MAX_DRAWDOWN: [
    { kind: "whole", key: "windowDays", label: "The peak of so many days", hint: "Nothing for the peak of all time", least: 1, most: 3660 },
  ],
  MIN_MARGIN_EXCESS: [
    {
      kind: "percent",
      key: "marginPercent",
      label: "An order takes margin, percent of its notional",
      hint: "Until the broker tells; nothing for 100",
      usual: "100",
    },
  ],
  TRADING_HOURS: [
    { kind: "whole", key: "minutesAfterOpen", label: "Closed after the opening, minutes", least: 0, most: 720, usual: "0" },
    { kind: "whole", key: "minutesBeforeClose", label: "Closed before the close, minutes", least: 0, most: 720, usual: "0" },
    { kind: "flag", key: "extended", label: "Extended sessions count, too" },
  ],
  MAX_ORDERS_PER_MINUTE: [
    {
      kind: "whole",
      key: "windowSeconds",
      label: "Within so many seconds",
      hint: "Nothing for a minute",
      least: 1,
      most: WINDOW_MAX_S,
      usual: "60",
    },
  ],
  PRICE_COLLAR: [
    {
      kind: "choice",
      key: "direction",
      label: "Holds prices",
      usual: "WORSE",
      options: [
        ["WORSE", "Worse than the market"],
        ["BOTH", "Worse and better than the market"],
      ],
    },
  ],
  MAX_CONCENTRATION: [
    {
      kind: "choice",
      key: "basis",
      label: "In percent of",
      usual: "EQUITY",
      options: [
        ["EQUITY", "The equity of the account"],
        ["GROSS", "All positions together, signs aside"],
      ],
    },
  ],
  DUPLICATE_ORDER: [
    { kind: "whole", key: "allowance", label: "So many of the same terms may stand before", hint: "Nothing for none", least: 0, most: ALLOWANCE_MAX, usual: "0" },
  ],
  WASH_TRADE: [
    { kind: "choice", key: "policy", label: "When two could deal with each other", usual: "BLOCK_NEWEST", options: CROSS_POLICIES },
    { kind: "flag", key: "stops", label: "Stops that wait for their trigger count, too" },
  ],
  COOLDOWN: [
    {
      kind: "marks",
      key: "after",
      label: "After",
      hint: "None ticked: after a loss",
      options: [
        ["LOSS", "A loss"],
        ["REJECT", "A rejection by the broker"],
        ["FILL", "A fill"],
      ],
    },
  ],
  CANCEL_RATE: RATE,
  ORDER_TO_TRADE_RATIO: RATE,
  SYMBOL_WHITELIST: [SYMBOL_LIST],
  SYMBOL_BLACKLIST: [SYMBOL_LIST],
};

/** What limits of the type take, their own first. */
export function conditionsOf(type: LimitType): readonly Condition[] {
  const own = OWN[type] ?? [];
  return [...own, ...COMMON.filter((common) => own.every(({ key }) => key !== common.key))];
}

/** Keys that no control of the type knows: they are kept as they are. */
export function unknownKeys(type: LimitType, conditions: Conditions): string[] {
  const known = new Set(conditionsOf(type).map(({ key }) => key));
  return Object.keys(conditions).filter((key) => !known.has(key));
}

/** What is left of the conditions when the type becomes another: what belonged to the type before is gone. */
export function keptFor(next: LimitType, before: LimitType, conditions: Conditions): Conditions {
  if (next === before) return conditions;
  const own = new Set([...(OWN[before] ?? []), ...(OWN[next] ?? [])].map(({ key }) => key));
  return Object.fromEntries(Object.entries(conditions).filter(([key]) => !own.has(key)));
}

/** The conditions with one of them changed, in its place; undefined takes it away. */
export function changed(conditions: Conditions, key: string, value: unknown): Conditions {
  if (value !== undefined) return { ...conditions, [key]: value };
  return Object.fromEntries(Object.entries(conditions).filter(([each]) => each !== key));
}

/** A document as the API answers it; anything but an object is an empty one. */
export function conditionsFrom(raw: unknown): Conditions {
  return isDocument(raw) ? raw : {};
}

function isDocument(value: unknown): value is Conditions {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A document as a person wrote it; blank is an empty one. */
export function readConditions(text: string): { conditions: Conditions } | { problem: string } {
  if (text.trim() === "") return { conditions: {} };
  try {
    const read: unknown = JSON.parse(text);
    if (isDocument(read)) return { conditions: read };
  } catch {
    // Told below, as for what is JSON and no object.
  }
  return { problem: 'Conditions are a JSON object, such as {"sides": ["BUY"]}.' };
}

export function writeConditions(conditions: Conditions): string {
  return Object.keys(conditions).length === 0 ? "" : JSON.stringify(conditions, null, 2);
}

/** "aapl, msft" as AAPL and MSFT; a symbol such as BRK B has its blank, and one that is known keeps its letters. */
export function symbolsOf(text: string, known: readonly string[] = []): string[] {
  const read = text.split(/[,;\n]+/).map((part) => part.trim().replaceAll(/\s+/g, " "));
  return [...new Set(read.filter((each) => each !== "").map((each) => (known.includes(each) ? each : each.toUpperCase())))];
}

/** A list of texts as it stands in a document. */
export function textsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

/** The choices of a select; a value that they lack, of a newer server or an odd hand, stays to be seen and chosen. */
export function choicesFor(options: readonly Option[], value: string): { value: string; label: string }[] {
  const known = options.map(([each, label]) => ({ value: each, label }));
  return options.some(([each]) => each === value) ? known : [...known, { value, label: `${value}, as it stands` }];
}

/** Hours of a day: a part of the document, with whatever else stands in it. */
export type TimeWindow = Readonly<Record<string, unknown>>;

export const WINDOWS_MAX = 28;
export const WEEKDAYS: readonly Option[] = [
  ["1", "Mon"],
  ["2", "Tue"],
  ["3", "Wed"],
  ["4", "Thu"],
  ["5", "Fri"],
  ["6", "Sat"],
  ["7", "Sun"],
];

/** One window or a list as a list; null for what is neither. */
export function windowsOf(value: unknown): readonly TimeWindow[] | null {
  if (value === undefined) return [];
  const listed: unknown[] = Array.isArray(value) ? value : [value];
  return listed.every(isDocument) ? listed : null;
}

/** The days of a window, 1 for Monday; all where it names none. */
export function daysOf(window: TimeWindow): string[] {
  return "weekdays" in window ? textsIn(window["weekdays"]) : WEEKDAYS.map(([day]) => day);
}

/** A new window for a person in the zone. */
export function newWindow(zone: string): TimeWindow {
  return { weekdays: [1, 2, 3, 4, 5], from: "09:30", to: "16:00", zone };
}

/** Complaints of the server's, each at the control that it is about. */
export function atControls(complaints: readonly Complaint[], type: LimitType): Complaint[] {
  return complaints.map(({ code, message, path }) => ({ code, message, path: atControl(path, type) }));
}

/** The path of a complaint, ending in the name of the control that it is about. */
export function atControl(path: readonly string[], type: LimitType): string[] {
  const [key, ...rest] = path.slice(path.indexOf("conditions") + 1);
  if (!path.includes("conditions") || key === undefined) return [...path];
  const known = conditionsOf(type).find((each) => each.key === key);
  if (known === undefined) return ["conditions"];
  if (known.kind !== "times") return [key];
  if (rest.length === 0) return [key];
  const [place, part] = /^\d+$/.test(rest[0] ?? "") ? rest : ["0", ...rest];
  return [part === undefined ? `times.${place}` : `times.${place}.${part}`];
}
