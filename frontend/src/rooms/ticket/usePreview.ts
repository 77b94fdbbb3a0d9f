/** What would become of the order now, asked a moment after the last key and again every few seconds. */
import { useEffect, useState } from "react";

import { client } from "../../shared/graphql/client";
import { describeFailure } from "../../shared/graphql/failure";
import { PREVIEW, type Preview } from "./documents";
import type { OrderInput } from "./draft";

const AFTER_MS = 350;
const AGAIN_MS = 5_000;

export interface Previewed {
  preview: Preview | null;
  failure: string | null;
  isAsking: boolean;
}

const NOTHING: Previewed = { preview: null, failure: null, isAsking: false };

export function usePreview(input: OrderInput | null): Previewed {
  const [previewed, setPreviewed] = useState<Previewed>(NOTHING);
  // The clientOrderId may be known to the server already while a retry is on its way: what is asked is what it means.
  const key = input === null ? null : JSON.stringify(input);
  useEffect(() => {
    if (key === null) {
      setPreviewed(NOTHING);
      return;
    }
    let isOver = false;
    let timer: ReturnType<typeof setTimeout>;
    const given = JSON.parse(key) as OrderInput;
    setPreviewed((before) => ({ ...before, isAsking: true }));
    async function ask(): Promise<void> {
      const { data, error } = await client.query(PREVIEW, { input: given }).toPromise();
      if (isOver) return;
      setPreviewed({ preview: data?.previewOrder ?? null, failure: error ? describeFailure(error) : null, isAsking: false });
      timer = setTimeout(() => void ask(), AGAIN_MS);
    }
    timer = setTimeout(() => void ask(), AFTER_MS);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [key]);
  return previewed;
}
