/** How fresh a source is: quiet while it is, and in words when it is not. */
import type { JSX } from "react";

import { formatAge } from "../format/time";
import { useConnection } from "../graphql/connection";
import { useFeed, useSilence, type Feed } from "../live/feed";
import { Status } from "../table/Status";

interface StalenessProps {
  feed: Feed;
  /** After so long without a word it says so. */
  silenceMs: number;
  /** Comes over the socket: stale as soon as that is gone. */
  isStreamed?: boolean;
  onRetry?: () => void;
  /** What is on screen is from before the failure. */
  hasRows?: boolean;
}

export function Staleness({ feed, silenceMs, isStreamed, onRetry, hasRows }: StalenessProps): JSX.Element | null {
  const silence = useSilence(feed, silenceMs);
  const status = useConnection();
  const { heardAtMs, failure } = useFeed(feed);
  if (failure !== null && hasRows) {
    return (
      <span role="alert" className="inline-flex items-center gap-3">
        <Status tone="critical" label={failure} />
        {onRetry && (
          <button type="button" onClick={onRetry} className="text-accent underline-offset-2 hover:underline">
            Try again
          </button>
        )}
      </span>
    );
  }
  if (heardAtMs === null) return null;
  if (silence !== null) return <Status tone="warn" label={`Stale, last update ${formatAge(silence)} ago`} />;
  if (isStreamed && status === "reconnecting") return <Status tone="warn" label="Stale, reconnecting" />;
  return null;
}
