import { graphql, type ResultOf } from "../../../shared/graphql/document";

export const UTILISATION = graphql(`
  query RiskUtilisation {
    riskUtilisation {
      accountId instrumentId used value ratio isBreached isMeasured message measuredAt
      limit { id limitType currency warnAt isShadow }
    }
  }
`);

export const BREACHES = graphql(`
  query RiskBreaches($filter: RiskBreachFilter, $first: Int!, $after: String) {
    riskBreaches(filter: $filter, first: $first, after: $after) {
      totalCount
      pageInfo { hasNextPage endCursor }
      edges {
        node {
          id limitId limitVersion limitType accountId instrumentId level observed value ratio peakObserved peakRatio
          refusals lastRefusedAt openedAt clearedAt acknowledgedBy acknowledgedAt note
        }
      }
    }
  }
`);

export const ACKNOWLEDGE = graphql(`
  mutation AcknowledgeRiskBreach($input: AcknowledgeRiskBreachInput!) {
    acknowledgeRiskBreach(input: $input) { breach { id acknowledgedAt } errors { code message path } }
  }
`);

export const HALTS_PAGE = graphql(`
  query RiskHalts($active: Boolean!, $first: Int!) {
    tradingHalts(active: $active, first: $first) {
      id scope targetId mode reason automatic killSwitch haltedBy haltedAt resumedBy resumedAt resumeReason
    }
  }
`);

export const HALT_TRADING = graphql(`
  mutation HaltTrading($input: HaltTradingInput!) {
    haltTrading(input: $input) { halt { id } errors { code message path } }
  }
`);

export const KILL_SWITCHES = graphql(`
  query RiskKillSwitches($first: Int!, $after: String) {
    killSwitches(first: $first, after: $after) {
      totalCount
      pageInfo { hasNextPage endCursor }
      edges {
        node {
          id scope targetId reason closePositions drill activatedBy activatedAt finishedAt ordersCancelled positionsClosing
          accounts { accountId step errors { message } }
        }
      }
    }
  }
`);

export const BREAKERS = graphql(`
  query CircuitBreakers {
    circuitBreakers {
      id kind accountId threshold currency mode windowSeconds minimumOrders cooldownSeconds isActive version updatedBy updatedAt
      blindSince
      proposal { isDeletion threshold currency mode windowSeconds minimumOrders cooldownSeconds isActive why proposedBy }
    }
  }
`);

export const TRIPS = graphql(`
  query CircuitBreakerTrips($first: Int!, $after: String) {
    circuitBreakerTrips(first: $first, after: $after) {
      totalCount
      pageInfo { hasNextPage endCursor }
      edges { node { id kind accountId threshold observed reason trippedAt resumedAt } }
    }
  }
`);

export const SET_BREAKER = graphql(`
  mutation SetCircuitBreaker($input: SetCircuitBreakerInput!) {
    setCircuitBreaker(input: $input) { circuitBreaker { id proposal { why } } errors { code message path } }
  }
`);

export const DELETE_BREAKER = graphql(`
  mutation DeleteCircuitBreaker($input: DeleteCircuitBreakerInput!) {
    deleteCircuitBreaker(input: $input) { circuitBreaker { id proposal { why } } errors { code message path } }
  }
`);

export type Utilisation = ResultOf<typeof UTILISATION>["riskUtilisation"][number];
export type Breach = ResultOf<typeof BREACHES>["riskBreaches"]["edges"][number]["node"];
export type PastHalt = ResultOf<typeof HALTS_PAGE>["tradingHalts"][number];
export type KillSwitchRun = ResultOf<typeof KILL_SWITCHES>["killSwitches"]["edges"][number]["node"];
export type Breaker = ResultOf<typeof BREAKERS>["circuitBreakers"][number];
export type Trip = ResultOf<typeof TRIPS>["circuitBreakerTrips"]["edges"][number]["node"];
