/** Who did something, in the words of people, as far as the person at the screen may know. */
import { useCallback } from "react";

import { useAnswer } from "../query/useAnswer";
import { useMay, useViewer } from "../session/viewer";
import { PERSON_NAMES } from "./documents";
import { nameOf } from "./scopes";

const MEMBERS_NAMED = 500;
const ID_TAIL = 6;

/** "user:…" as You, a name or a part of the id; "system:circuit-breakers" as Circuit breakers. */
export function actorInWords(actor: string | null, names: ReadonlyMap<string, string>): string {
  if (actor === null || actor === "") return "";
  const known = names.get(actor);
  if (known !== undefined) return known;
  const [kind, id = ""] = actor.split(":");
  if (kind === "system") return id === "cli" ? "The command line" : sentence(id);
  return `${kind === "key" ? "API key" : "Person"} ${id.slice(-ID_TAIL)}`;
}

function sentence(words: string): string {
  const spaced = words.replaceAll(/[-_]/g, " ");
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

export function useActors(): (actor: string | null) => string {
  const { viewer } = useViewer();
  const members = useAnswer(PERSON_NAMES, { first: MEMBERS_NAMED }, { isWanted: useMay("MANAGE_MEMBERS") }).data?.members;
  return useCallback(
    (actor) => {
      const names = new Map((members ?? []).map(({ user }) => [`user:${user.id}`, nameOf(user)]));
      if (viewer?.user) names.set(`user:${viewer.user.id}`, "You");
      return actorInWords(actor, names);
    },
    [viewer, members],
  );
}
