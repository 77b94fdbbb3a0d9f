/** Which commands a few letters mean, the likeliest first. */

export interface Command {
  group: string;
  label: string;
  /** Other words that it is found by. */
  also: string;
  hint: string;
  run: () => void;
}

/** 0 is the best: begins so, a word begins so, contains it, has its letters in order; null when it does not fit. */
export function rank(text: string, label: string, also = ""): number | null {
  const wanted = text.trim().toLowerCase();
  const name = label.toLowerCase();
  if (wanted === "" || name.startsWith(wanted)) return 0;
  if (name.split(/\s+/).some((word) => word.startsWith(wanted))) return 1;
  if (name.includes(wanted)) return 2;
  if (also.toLowerCase().includes(wanted)) return 3;
  let from = 0;
  for (const letter of wanted) {
    from = name.indexOf(letter, from) + 1;
    if (from === 0) return null;
  }
  return 4;
}

export function matching(commands: readonly Command[], text: string): Command[] {
  return commands
    .map((command) => ({ command, at: rank(text, command.label, command.also) }))
    .filter((each): each is { command: Command; at: number } => each.at !== null)
    .toSorted((left, right) => left.at - right.at)
    .map(({ command }) => command);
}
