/** The live positions of some accounts. */
import type { ResultOf, VariablesOf } from "../../shared/graphql/document";
import type { BatchSource } from "../../shared/live/useBatches";
import { POSITIONS_CHANGED, type Position } from "./documents";

export const POSITIONS: BatchSource<ResultOf<typeof POSITIONS_CHANGED>, VariablesOf<typeof POSITIONS_CHANGED>, Position> = {
  document: POSITIONS_CHANGED,
  batchOf: (data) => data.positionsChanged,
  compare: (left, right) =>
    left.instrument.symbol.localeCompare(right.instrument.symbol) ||
    left.account.accountNumber.localeCompare(right.account.accountNumber),
};
