import type { ChartOptions, DeepPartial } from "lightweight-charts";

import type { ChartColours } from "./colours";

/** How every chart of the dashboard looks. The library's attribution is on the About page. */
export function chartOptions(colours: ChartColours): DeepPartial<ChartOptions> {
  return {
    autoSize: true,
    layout: {
      background: { color: colours.ground },
      textColor: colours.text,
      fontFamily: '"IBM Plex Sans", system-ui, sans-serif',
      fontSize: 11,
      attributionLogo: false,
      panes: { separatorColor: colours.line },
    },
    grid: { vertLines: { color: colours.line }, horzLines: { color: colours.line } },
    rightPriceScale: { borderColor: colours.line },
    timeScale: { borderColor: colours.line, timeVisible: true, secondsVisible: false },
    crosshair: { vertLine: { color: colours.text }, horzLine: { color: colours.text } },
  };
}

/** The chart's clock knows no time zones: seconds of the reader's wall clock as if they were of UTC. */
export function chartTime(iso: string): number {
  const at = new Date(iso);
  return Math.floor(at.getTime() / 1000) - at.getTimezoneOffset() * 60;
}
