/** What becomes, or would, of each line of a file. */
import type { Tone } from "../table/Status";

export interface FileLine {
  number: number;
  /** What the line is about, or which of its columns is wrong. */
  name: string;
  tone: Tone;
  label: string;
  message: string;
}

export interface FileReport {
  isStored: boolean;
  lines: readonly FileLine[];
}

/** "3 made, 1 refused": what became of the lines, in the order in which they say it first. */
export function linesInWords(lines: readonly FileLine[]): string {
  const counts = new Map<string, number>();
  for (const { label } of lines) counts.set(label, (counts.get(label) ?? 0) + 1);
  return counts.size === 0 ? "No lines" : [...counts].map(([label, count]) => `${count} ${label.toLowerCase()}`).join(", ");
}
