import { graphql, type ResultOf } from "../../shared/graphql/document";

export const WAITING = graphql(`
  query WaitingOrders($first: Int!, $after: String) {
    orders(filter: { states: [PENDING_APPROVAL] }, first: $first, after: $after) {
      totalCount
      pageInfo { hasNextPage endCursor }
      edges {
        node {
          id clientOrderId side orderType timeInForce quantity limitPrice stopPrice trailingAmount state version
          postOnly outsideRegularHours origin linkRole staged closesPosition createdAt metadata
          account { id accountNumber label broker isPaper baseCurrency }
          instrument { id symbol name currency multiplier tickSize quote { bid ask last isStale } }
          approvals { policyId policyVersion reasons decision by at reason requestedAt expiresAt }
          riskChecks { check outcome limit observed message }
          events { type actor occurredAt }
        }
      }
    }
  }
`);

export const APPROVE = graphql(`
  mutation ApproveOrder($input: ApproveOrderInput!) {
    approveOrder(input: $input) { order { id state rejectReason } errors { code message path } }
  }
`);

export type Waiting = ResultOf<typeof WAITING>["orders"]["edges"][number]["node"];
