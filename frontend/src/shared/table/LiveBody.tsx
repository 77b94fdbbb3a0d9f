/** The states of a live source around what it shows: loading, failed, or the content. */
import type { JSX, ReactNode } from "react";

import { useFeed, type Feed } from "../live/feed";
import { Failed, Loading } from "../page/states";

interface LiveBodyProps {
  feed: Feed;
  hasRows: boolean;
  onRetry?: () => void;
  children: ReactNode;
}

/** What is on screen stays there however the source fares; put a Staleness beside the title. */
export function LiveBody({ feed, hasRows, onRetry, children }: LiveBodyProps): JSX.Element {
  const { heardAtMs, failure } = useFeed(feed);
  if (hasRows) return <>{children}</>;
  if (failure !== null) return <Failed message={failure} onRetry={onRetry} />;
  return heardAtMs === null ? <Loading /> : <>{children}</>;
}
