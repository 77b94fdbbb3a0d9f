import { graphql, type ResultOf } from "../../shared/graphql/document";

export const POSITIONS_CHANGED = graphql(`
  subscription DeskPositions($accountIds: [ID!], $throttleMs: Int) {
    positionsChanged(accountIds: $accountIds, throttleMs: $throttleMs) {
      kind sequence hasMore removedIds
      upserts {
        id quantity averagePrice marketPrice marketValue marketValueBase
        unrealizedPnl unrealizedPnlBase realizedPnl realizedPnlBase commissionBase
        openBuyQuantity openSellQuantity currency baseCurrency updatedAt
        account { id accountNumber label broker isPaper baseCurrency }
        instrument { id symbol name currency tickSize lotSize }
      }
    }
  }
`);

export const PNL_HISTORY = graphql(`
  query PnlCurve($start: DateTime!, $end: DateTime!, $accountId: ID) {
    pnlHistory(start: $start, end: $end, accountId: $accountId) {
      id at net realized unrealized commission equity drawdown
    }
  }
`);

export const DAY_BY_INSTRUMENT = graphql(`
  query DayByInstrument($accountId: ID) {
    pnlToday(accountId: $accountId) {
      date currency
      byInstrument { realized unrealized commission net instrument { id symbol } }
      unconverted { currency realized unrealized instrument { id symbol } }
    }
  }
`);

export const CLOSE_POSITION = graphql(`
  mutation ClosePosition($input: ClosePositionInput!) {
    closePosition(input: $input) { order { id state } errors { code message path } }
  }
`);

export const REVERSE_POSITION = graphql(`
  mutation ReversePosition($input: ReversePositionInput!) {
    reversePosition(input: $input) { order { id state } errors { code message path } }
  }
`);

export type Position = ResultOf<typeof POSITIONS_CHANGED>["positionsChanged"]["upserts"][number];
export type PnlPoint = ResultOf<typeof PNL_HISTORY>["pnlHistory"][number];
