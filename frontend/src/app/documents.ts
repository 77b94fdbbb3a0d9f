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

export const RISK_ALERTS = graphql(`
  subscription RiskAlerts {
    riskAlerts { alert breachId accountId ratio isBreached message limit { id limitType } }
  }
`);
