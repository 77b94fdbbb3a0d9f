import type { JSX } from "react";

import { Menu, MenuHeading, MenuItem } from "../shared/overlay/Menu";
import { usePreferencesFailure } from "../shared/preferences/preferences";
import {
  chooseDensity,
  choosePnlColours,
  chooseTheme,
  useDensity,
  usePnlColours,
  useThemeChoice,
  type Density,
  type PnlColours,
  type ThemeChoice,
} from "../shared/theme/theme";

const THEMES: readonly [ThemeChoice, string][] = [
  ["system", "As the system"],
  ["dark", "Dark"],
  ["light", "Light"],
];
const DENSITIES: readonly [Density, string][] = [
  ["dense", "Dense rows"],
  ["roomy", "Roomy rows"],
];
const PNL_COLOURS: readonly [PnlColours, string][] = [
  ["blue-orange", "Blue and orange"],
  ["green-red", "Green and red"],
];

/** How the page looks; it is kept in the person's profile. */
export function AppearanceMenu(): JSX.Element {
  return (
    <Menu
      label="Appearance"
      align="end"
      buttonClass="grid size-8 place-items-center text-soft hover:text-text"
      button={
        <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
          <circle cx="8" cy="8" r="6.25" fill="none" stroke="currentColor" strokeWidth="1.5" />
          <path d="M8 1.75a6.25 6.25 0 0 1 0 12.5z" fill="currentColor" />
        </svg>
      }
    >
      {() => <Choices />}
    </Menu>
  );
}

function Choices(): JSX.Element {
  const failure = usePreferencesFailure();
  return (
    <div className="pb-2">
      <Options title="Theme" options={THEMES} chosen={useThemeChoice()} onChoose={chooseTheme} />
      <Options title="Rows" options={DENSITIES} chosen={useDensity()} onChoose={chooseDensity} />
      <Options title="Profit and loss" options={PNL_COLOURS} chosen={usePnlColours()} onChoose={choosePnlColours} />
      {failure !== null && <p className="max-w-56 px-3 pt-2 text-small text-critical">{failure}</p>}
    </div>
  );
}

interface OptionsProps<T extends string> {
  title: string;
  options: readonly [T, string][];
  chosen: T;
  onChoose: (next: T) => void;
}

function Options<T extends string>({ title, options, chosen, onChoose }: OptionsProps<T>): JSX.Element {
  return (
    <div role="group" aria-label={title}>
      <MenuHeading>{title}</MenuHeading>
      {options.map(([value, label]) => (
        <MenuItem key={value} isChosen={chosen === value} onClick={() => onChoose(value)}>
          {label}
        </MenuItem>
      ))}
    </div>
  );
}
