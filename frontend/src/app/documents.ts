import { graphql } from "../shared/graphql/document";

export const FILLS = graphql(`
  subscription NoticedFills {
    executions {
      id side quantity price isCorrection executedAt
      instrument { symbol tickSize }
      account { id accountNumber label }
    }
  }
`);

export const REFUSED_ORDERS = graphql(`
  subscription NoticedOrders($filter: OrderFilter) {
    ordersChanged(filter: $filter, throttleMs: 500) {
      kind sequence hasMore removedIds
      upserts {
        id state side quantity inDoubt rejectReason updatedAt
        instrument { symbol }
        account { id accountNumber label }
      }
    }
  }
`);

export const FIND_SYMBOLS = graphql(`
  query FindSymbols($search: String!) {
    instruments(search: $search, first: 8) {
      edges { node { id symbol name exchange currency instrumentType } }
    }
  }
`);

/** What was told while the socket was away. */
export const MISSED = graphql(`
  query MissedByCompliance {
    surveillanceCases(states: [OPEN], first: 20) { edges { node { id kind summary accountId openedAt } } }
    restrictionAlerts(first: 20) { edges { node { id outcome accountId instrumentId createdAt } } }
  }
`);
