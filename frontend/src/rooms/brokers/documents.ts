import { graphql, type ResultOf } from "../../shared/graphql/document";

export const BROKERS = graphql(`
  query Brokers {
    brokerAccounts {
      id broker accountNumber accountType baseCurrency label isActive isPaper isAdviser isConnectionWanted ordersAtBroker
      adviser { id accountNumber }
      connection {
        state isGateOpen host port clientId connectedSince lastHeartbeatAt roundTripMs reconnectAttempts lastError
        pacing {
          messagesPerSecond messagesPerSecondMax longestWaitSeconds at
          waiting { priority waiting longestSeconds }
        }
        marketDataLines { used limit }
        orderEfficiency { day submissions revisions cancellations executedOrders ratio ratioMax isExcessive }
      }
    }
  }
`);

export const CREDENTIALS = graphql(`
  query BrokerCredentials {
    brokerAccounts { id credentials { name setAt } }
  }
`);

export const CONNECT = graphql(`
  mutation ConnectBroker($input: ConnectBrokerInput!) {
    connectBroker(input: $input) { brokerAccount { id } errors { code message path } }
  }
`);

export const DISCONNECT = graphql(`
  mutation DisconnectBroker($input: DisconnectBrokerInput!) {
    disconnectBroker(input: $input) { brokerAccount { id } errors { code message path } }
  }
`);

export const CREATE_ACCOUNT = graphql(`
  mutation CreateBrokerAccount($input: CreateBrokerAccountInput!) {
    createBrokerAccount(input: $input) { brokerAccount { id accountNumber } errors { code message path } }
  }
`);

export const UPDATE_ACCOUNT = graphql(`
  mutation UpdateBrokerAccount($input: UpdateBrokerAccountInput!) {
    updateBrokerAccount(input: $input) { brokerAccount { id } errors { code message path } }
  }
`);

export const RECONCILE = graphql(`
  mutation ReconcileAccount($input: ReconcileAccountInput!) {
    reconcileAccount(input: $input) {
      reconciliation { id ordersChecked positionsChecked executionsImported breaksOpen }
      errors { code message path }
    }
  }
`);

export const RECONCILIATIONS = graphql(`
  query Reconciliations($accountId: ID, $first: Int!) {
    reconciliations(accountId: $accountId, first: $first) {
      id accountId occasion startedAt finishedAt ordersChecked positionsChecked positionsInFlight executionsImported
      breaksOpen looks
    }
  }
`);

const BREAK = graphql(`
  fragment Break on ReconciliationBreak @_unmask {
    id kind severity state resolution accountId orderId ours broker difference isFreezing actions looks
    foundAt lastSeenAt snapshotAt endedAt reason resolvedBy adjustmentId ageSeconds
    instrument { id symbol currency }
  }
`);

export const BREAKS = graphql(
  `
    query ReconciliationBreaks(
      $accountId: ID, $isOpen: Boolean, $kinds: [ReconciliationBreakKind!], $first: Int!, $after: String
    ) {
      reconciliationBreaks(accountId: $accountId, isOpen: $isOpen, kinds: $kinds, first: $first, after: $after) {
        totalCount
        pageInfo { hasNextPage endCursor }
        edges { node { ...Break } }
      }
    }
  `,
  [BREAK],
);

export const RESOLVE_BREAK = graphql(
  `
    mutation ResolveBreak($input: ResolveBreakInput!) {
      resolveBreak(input: $input) { reconciliationBreak { ...Break } errors { code message path } }
    }
  `,
  [BREAK],
);

export const ADJUSTMENT = graphql(`
  query BreakAdjustment($id: ID!) {
    node(id: $id) {
      kind: __typename
      ... on PositionAdjustment {
        id type quantity price quantityBefore quantityAfter averagePriceBefore averagePriceAfter realizedPnl
        reason adjustedBy recordedAt
      }
    }
  }
`);

export const ADJUST_POSITION = graphql(`
  mutation AdjustPosition($input: AdjustPositionInput!) {
    adjustPosition(input: $input) {
      adjustment { id quantityBefore quantityAfter }
      errors { code message path }
    }
  }
`);

export const IN_DOUBT = graphql(`
  query InDoubtOrders($accountId: ID, $first: Int!, $after: String) {
    inDoubtOrders(accountId: $accountId, first: $first, after: $after) {
      totalCount
      pageInfo { hasNextPage endCursor }
      edges {
        node {
          routedAt lastBrokerWord lastBrokerWordAt doubtSince doubtReason sweepsMissed brokerSays
          missing { id }
          order {
            id clientOrderId brokerOrderId side orderType quantity filledQuantity limitPrice stopPrice state
            account { id accountNumber }
            instrument { symbol tickSize }
          }
        }
      }
    }
  }
`);

export const ASK_ABOUT_ORDER = graphql(`
  mutation AskAboutOrder($input: AskAboutOrderInput!) {
    askAboutOrder(input: $input) { order { id state inDoubt } errors { code message path } }
  }
`);

export const DECLARE_ORDER_DEAD = graphql(`
  mutation DeclareOrderDead($input: DeclareOrderDeadInput!) {
    declareOrderDead(input: $input) { order { id state } errors { code message path } }
  }
`);

export const EXTERNAL_ORDER = graphql(`
  query ExternalOrder($id: ID!) {
    order(id: $id) {
      id clientOrderId brokerOrderId permanentId side orderType timeInForce quantity filledQuantity limitPrice stopPrice
      state origin createdAt
      instrument { symbol tickSize currency }
    }
  }
`);

export const CLAIM_ORDER = graphql(`
  mutation ClaimExternalOrder($input: ClaimExternalOrderInput!) {
    claimExternalOrder(input: $input) {
      order { id state }
      isManaged
      unmanagedBecause
      errors { code message path }
    }
  }
`);

export const PATHOLOGIES = graphql(`
  query SimulatorPathologies {
    simulatorPathologies { name seen handled behaviours lastsSeconds }
  }
`);

export const FAULTS = graphql(`
  query SimulatorFaults($accountId: ID!) {
    simulatorFaults(accountId: $accountId) { name parameters lastsSeconds strikes }
  }
`);

export const PLAY_FAULT = graphql(`
  mutation SimulatorFault($input: SimulatorFaultInput!) {
    simulatorFault(input: $input) { faults { name } errors { code message path } }
  }
`);

export const CLEAR_FAULTS = graphql(`
  mutation ClearSimulatorFaults($input: ClearSimulatorFaultsInput!) {
    clearSimulatorFaults(input: $input) { cleared errors { code message path } }
  }
`);

export type Account = ResultOf<typeof BROKERS>["brokerAccounts"][number];
export type Connection = Account["connection"];
export type Reconciliation = ResultOf<typeof RECONCILIATIONS>["reconciliations"][number];
export type Break = ResultOf<typeof BREAKS>["reconciliationBreaks"]["edges"][number]["node"];
export type Doubt = ResultOf<typeof IN_DOUBT>["inDoubtOrders"]["edges"][number]["node"];
export type Pathology = ResultOf<typeof PATHOLOGIES>["simulatorPathologies"][number];
export type Fault = ResultOf<typeof FAULTS>["simulatorFaults"][number];
