import { graphql, type ResultOf } from "../../shared/graphql/document";

const EXECUTION_ROW = graphql(`
  fragment ExecutionRow on Execution @_unmask {
    id executionId side quantity price commission commissionCurrency realizedPnl liquidity isCorrection executedAt
    order { id clientOrderId }
    account { id accountNumber label broker isPaper }
    instrument { id symbol currency tickSize }
  }
`);

export const EXECUTIONS = graphql(
  `
    query Executions($accountId: ID, $first: Int!, $after: String) {
      executions(accountId: $accountId, first: $first, after: $after) {
        totalCount
        pageInfo { hasNextPage endCursor }
        edges { node { ...ExecutionRow } }
      }
    }
  `,
  [EXECUTION_ROW],
);

export const EXECUTIONS_LIVE = graphql(
  `
    subscription ExecutionsLive($accountIds: [ID!]) {
      executions(accountIds: $accountIds) { ...ExecutionRow }
    }
  `,
  [EXECUTION_ROW],
);

export type Execution = ResultOf<typeof EXECUTIONS_LIVE>["executions"];
