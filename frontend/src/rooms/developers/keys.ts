/** API keys in words: whether they hold, until when, and how to use one. */
import { formatTime } from "../../shared/format/time";
import type { Tone } from "../../shared/table/Status";
import type { ApiKey } from "./documents";

const SOON_MS = 7 * 86_400_000;

export interface KeyState {
  tone: Tone;
  label: string;
  /** False: it opens nothing any more. */
  holds: boolean;
}

export function keyState(key: Pick<ApiKey, "revokedAt" | "expiresAt">, now: Date): KeyState {
  const [revoked, expires] = [key.revokedAt, key.expiresAt].map((at) => (at === null ? null : new Date(at))) as [
    Date | null,
    Date | null,
  ];
  if (revoked && revoked <= now) return { tone: "ended", label: "Revoked", holds: false };
  if (expires && expires <= now) return { tone: "ended", label: "Expired", holds: false };
  const ends = revoked && (!expires || revoked < expires) ? revoked : expires;
  if (ends && ends.getTime() - now.getTime() < SOON_MS) {
    return { tone: "warn", label: `Ends ${formatTime(ends.toISOString(), now)}`, holds: true };
  }
  return { tone: "ok", label: ends ? `Until ${formatTime(ends.toISOString(), now)}` : "Active", holds: true };
}

/** Networks as people type them: separated by commas, spaces or lines. */
export function readNetworks(text: string): string[] {
  return text.split(/[\s,;]+/).filter((each) => each !== "");
}

/** When a key ends that lives so many days; null for one that lives until it is revoked. */
export function endAfter(days: string, now: Date): string | null {
  const count = Number(days);
  return count > 0 ? new Date(now.getTime() + count * 86_400_000).toISOString() : null;
}

/** How a program says who it is, in three languages; `secret` stands in for the key. */
export function snippets(url: string): readonly { label: string; text: string }[] {
  const query = "{ viewer { tenant { name } scopes } }";
  return [
    {
      label: "curl",
      text: `curl ${url} \\\n  -H "authorization: Bearer $OMS_API_KEY" \\\n  -H "content-type: application/json" \\\n  -d '${JSON.stringify({ query })}'`,
    },
    {
      label: "Python",
      text: `import os\nimport httpx\n\nanswer = httpx.post(\n    "${url}",\n    headers={"authorization": f"Bearer {os.environ['OMS_API_KEY']}"},\n    json={"query": "${query}"},\n)\nprint(answer.json())`,
    },
    {
      label: "WebSocket (graphql-transport-ws)",
      text: `{"type": "connection_init", "payload": {"authorization": "Bearer <the key>"}}`,
    },
  ];
}
