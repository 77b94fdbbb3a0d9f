/** Lists that are asked for anew when the server tells of something, and every so often where it cannot. */
import { useEffect, useState } from "react";

import { useConnection } from "../graphql/connection";
import { useFeed } from "./feed";
import type { Topic } from "./topics";

const GATHERED_MS = 250;
/** While the server tells by itself: for what no subscription tells, such as who took a case. */
const SELDOM_MS = 30_000;

export interface News {
  /** How often to ask besides. */
  everyMs: number;
  /** Goes up with what was told; several words at once count as one. */
  heard: number;
}

/** Follows the topic while the component lives. `everyMs` holds where the topic is refused or the socket is away. */
export function useNews(topic: Topic<unknown>, everyMs: number, isWanted = true): News {
  const [heard, setHeard] = useState(0);
  const status = useConnection();
  const { failure } = useFeed(topic.feed);
  useEffect(() => {
    if (!isWanted) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const told = (): void => {
      timer ??= setTimeout(() => {
        timer = undefined;
        setHeard((before) => before + 1);
      }, GATHERED_MS);
    };
    const leave = topic.follow({ take: told, onStart: told });
    return () => {
      clearTimeout(timer);
      leave();
    };
  }, [topic, isWanted]);
  const isTold = isWanted && status === "live" && failure === null;
  return { everyMs: isTold ? Math.max(SELDOM_MS, everyMs) : everyMs, heard };
}

/** Asks anew with each word of the news. */
export function useReload(news: News, reload: () => void): void {
  const { heard } = news;
  useEffect(() => {
    if (heard > 0) reload();
  }, [heard, reload]);
}
