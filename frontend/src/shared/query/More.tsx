import type { JSX } from "react";

import { Button } from "../controls/Button";
import type { Pages } from "./usePages";

/** What stands under a list that has more: how much is shown, and the next page. */
export function More({ pages, what }: { pages: Pages<unknown>; what: string }): JSX.Element | null {
  const { data } = pages;
  if (data === null || (!data.hasMore && pages.failure === null)) return null;
  const total = data.totalCount;
  return (
    <div className="flex min-h-8 items-center gap-3 px-4 text-small text-faint">
      <span>
        {total !== null && total > data.rows.length ? `${data.rows.length} of ${total} ${what}` : `${data.rows.length} ${what}`}
      </span>
      {data.hasMore && (
        <Button kind="word" onClick={pages.more} disabled={pages.isLoadingMore}>
          {pages.isLoadingMore ? "Loading more" : "Show more"}
        </Button>
      )}
      {pages.failure !== null && <span className="text-critical">{pages.failure}</span>}
    </div>
  );
}
