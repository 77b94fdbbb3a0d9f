/** The live orders that fit a filter, the newest first. */
import type { BatchSource } from "../../shared/live/useBatches";
import type { ResultOf, VariablesOf } from "../../shared/graphql/document";
import { ORDERS_CHANGED, type Order } from "./documents";

export const ORDERS_SHOWN_MAX = 10_000;

export const ORDERS: BatchSource<ResultOf<typeof ORDERS_CHANGED>, VariablesOf<typeof ORDERS_CHANGED>, Order> = {
  document: ORDERS_CHANGED,
  batchOf: (data) => data.ordersChanged,
  // Ids are UUIDv7: newest first without reading times.
  compare: (left, right) => (left.id < right.id ? 1 : -1),
  limit: ORDERS_SHOWN_MAX,
};
