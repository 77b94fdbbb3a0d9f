/** The page's own colours for charts, which draw on a canvas and know no style sheet. */

export interface ChartColours {
  ground: string;
  line: string;
  text: string;
  accent: string;
  buy: string;
  sell: string;
  gain: string;
  loss: string;
  faint: string;
  warn: string;
  critical: string;
}

const NAMES: Readonly<Record<keyof ChartColours, string>> = {
  ground: "--surface",
  line: "--line",
  text: "--text-soft",
  accent: "--accent",
  buy: "--buy",
  sell: "--sell",
  gain: "--gain",
  loss: "--loss",
  faint: "--line-strong",
  warn: "--warn",
  critical: "--critical",
};

/** Read as they stand now: ask again after the theme or the colours of profit and loss have changed. */
export function chartColours(): ChartColours {
  const probe = document.createElement("span");
  document.body.append(probe);
  const read = (name: string): string => {
    // A computed colour is plain: light-dark() is resolved there and not in the variable.
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const colours = Object.fromEntries(Object.entries(NAMES).map(([key, name]) => [key, read(name)])) as unknown as ChartColours;
  probe.remove();
  return colours;
}
