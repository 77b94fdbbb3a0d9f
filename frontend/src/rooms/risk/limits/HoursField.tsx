/** Hours of the week in which a limit is held: windows of days and times by the clock of a zone. */
import type { JSX } from "react";

import { Button } from "../../../shared/controls/Button";
import { MarksField, SelectField, TextField, useComplaint } from "../../../shared/controls/Form";
import { changed, daysOf, newWindow, WEEKDAYS, windowsOf, WINDOWS_MAX, type TimeWindow } from "./conditions";

export const OWN_ZONE = new Intl.DateTimeFormat().resolvedOptions().timeZone;
const ZONES: readonly string[] = [...new Set([OWN_ZONE, "UTC", ...Intl.supportedValuesOf("timeZone")])];

interface HoursFieldProps {
  name: string;
  label: string;
  hint: string | undefined;
  value: unknown;
  onChange: (value: unknown) => void;
}

export function HoursField({ name, label, hint, value, onChange }: HoursFieldProps): JSX.Element {
  const windows = windowsOf(value);
  const shown = windows ?? [];
  const put = (next: readonly TimeWindow[]): void => onChange(next.length === 0 ? undefined : next);
  return (
    <fieldset name={name} className="flex min-w-0 flex-col gap-2 sm:col-span-2">
      <legend className="mb-1 text-small font-medium text-soft">{label}</legend>
      <Complaint name={name} />
      {shown.length === 0 && <p className="text-micro text-faint">{windows === null ? "What stands there are no hours: see the JSON below." : hint}</p>}
      {shown.map((window, index) => (
        <Window
          // oxlint-disable-next-line react/no-array-index-key -- a window is told by its place
          key={index}
          name={`${name}.${index}`}
          label={`Hours ${index + 1}`}
          window={window}
          onChange={(next) => put(shown.with(index, next))}
          onRemove={() => put(shown.toSpliced(index, 1))}
        />
      ))}
      <div>
        <Button disabled={shown.length >= WINDOWS_MAX} onClick={() => put([...shown, newWindow(OWN_ZONE)])}>
          Add hours
        </Button>
      </div>
    </fieldset>
  );
}

interface WindowProps {
  name: string;
  label: string;
  window: TimeWindow;
  onChange: (next: TimeWindow) => void;
  onRemove: () => void;
}

function Window({ name, label, window, onChange, onRemove }: WindowProps): JSX.Element {
  const zone = textIn(window, "zone");
  const put = (key: string, value: unknown): void => onChange(changed(window, key, value));
  return (
    <fieldset name={name} aria-label={label} className="flex min-w-0 flex-col gap-2 rounded-sm border border-line px-3 py-2">
      <MarksField
        name={`${name}.weekdays`}
        label="Days"
        choices={WEEKDAYS.map(([value, day]) => ({ value, label: day }))}
        chosen={daysOf(window)}
        onChange={(days) => put("weekdays", days.map(Number))}
      />
      <div className="grid gap-3 sm:grid-cols-[7rem_7rem_minmax(0,1fr)_auto]">
        <TextField name={`${name}.from`} label="From" type="time" hint="Nothing for midnight" value={textIn(window, "from")} onChange={(at) => put("from", at || undefined)} isOptional />
        <TextField name={`${name}.to`} label="Until" type="time" hint="Nothing for midnight" value={textIn(window, "to")} onChange={(at) => put("to", at || undefined)} isOptional />
        <SelectField
          name={`${name}.zone`}
          label="By the clock of"
          choices={(ZONES.includes(zone) ? ZONES : [zone, ...ZONES]).map((each) => ({ value: each, label: each === "" ? "Choose a zone" : each }))}
          value={zone}
          onChange={(next) => put("zone", next)}
        />
        <div className="sm:pt-5">
          <Button kind="dangerWord" className="sm:min-h-8" aria-label={`Remove ${label.toLowerCase()}`} onClick={onRemove}>
            Remove
          </Button>
        </div>
      </div>
      <Complaint name={name} />
    </fieldset>
  );
}

function textIn(window: TimeWindow, key: string): string {
  const value = window[key];
  return typeof value === "string" ? value : "";
}

function Complaint({ name }: { name: string }): JSX.Element {
  return <p className="text-micro leading-4 text-critical empty:hidden">{useComplaint(name)}</p>;
}
