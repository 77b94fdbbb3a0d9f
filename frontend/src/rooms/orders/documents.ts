import { graphql, type ResultOf } from "../../shared/graphql/document";

const ORDER_ROW = graphql(`
  fragment OrderRow on Order @_unmask {
    id version clientOrderId brokerOrderId side orderType timeInForce expiresAt
    quantity limitPrice stopPrice trailingAmount postOnly outsideRegularHours
    state filledQuantity remainingQuantity averageFillPrice commission
    rejectReason rejectOrigin inDoubt origin staged releaseAt linkRole closesPosition createdAt updatedAt
    account { id accountNumber label broker isPaper baseCurrency }
    instrument { id symbol currency tickSize lotSize multiplier }
  }
`);

export const ORDERS_CHANGED = graphql(
  `
    subscription BlotterOrders($filter: OrderFilter, $throttleMs: Int) {
      ordersChanged(filter: $filter, throttleMs: $throttleMs) {
        kind sequence hasMore removedIds
        upserts { ...OrderRow }
      }
    }
  `,
  [ORDER_ROW],
);

export const ORDER = graphql(
  `
    query OrderInFull($id: ID!) {
      order(id: $id) {
        ...OrderRow
        permanentId overfilledQuantity metadata
        riskChecks { check outcome limit observed message }
        requests {
          id kind outcome rejectOrigin terms reason counterfactual requestedBy requestedAt resolvedAt
          riskChecks { check outcome limit observed message limitId isShadow limitVersion inputs durationNanos }
        }
        approvals { policyId reasons decision by at reason requestedAt expiresAt }
        events { sequence type fromState toState actor reason details occurredAt }
        executions { id executionId quantity price commission commissionCurrency liquidity isCorrection executedAt }
        parent { id clientOrderId linkRole state }
        children { id clientOrderId linkRole state }
        siblings { id clientOrderId linkRole state }
      }
    }
  `,
  [ORDER_ROW],
);

export const CANCEL_ORDER = graphql(`
  mutation CancelOne($input: CancelOrderInput!) {
    cancelOrder(input: $input) { order { id state } errors { code message path } }
  }
`);

export const CANCEL_ORDERS = graphql(`
  mutation CancelMany($input: CancelOrdersInput!) {
    cancelOrders(input: $input) {
      accepted rejected
      results { order { id state } errors { code message path } }
    }
  }
`);

export const RELEASE_ORDERS = graphql(`
  mutation ReleaseMany($input: ReleaseOrdersInput!) {
    releaseOrders(input: $input) {
      results { order { id state staged } errors { code message path } }
      errors { code message path }
    }
  }
`);

export const MODIFY_ORDER = graphql(`
  mutation ModifyOne($input: ModifyOrderInput!) {
    modifyOrder(input: $input) { order { id state version } errors { code message path } }
  }
`);

export const EXPLAIN_ORDER = graphql(`
  query ExplainOrder($id: ID!) {
    explainOrder(id: $id) {
      decisions {
        step askedBy decidedAt counterfactual durationMicros
        checks { check outcome limit observed message limitId isShadow limitVersion inputs durationNanos }
      }
    }
  }
`);

export type Order = ResultOf<typeof ORDERS_CHANGED>["ordersChanged"]["upserts"][number];
export type FullOrder = NonNullable<ResultOf<typeof ORDER>["order"]>;
export type Decision = ResultOf<typeof EXPLAIN_ORDER>["explainOrder"]["decisions"][number];
