import { graphql, type ResultOf } from "../../../shared/graphql/document";

export const UTILISATION_HISTORY = graphql(`
  query RiskUtilisationHistory($limitId: ID!, $accountId: ID, $start: DateTime!, $end: DateTime!) {
    riskUtilisationHistory(limitId: $limitId, accountId: $accountId, start: $start, end: $end) {
      start resolutionMinutes
      points { at ratio used value isMeasured }
    }
  }
`);

const STOOD = graphql(`
  fragment ValueAtRiskStood on ValueAtRiskExceptions @_unmask { days exceptions expected }
`);

export const AT_RISK_HISTORY = graphql(
  `
    query ValueAtRiskHistory($accountId: ID, $mode: AccountMode, $currency: String, $first: Int!) {
      valueAtRiskHistory(accountId: $accountId, mode: $mode, currency: $currency, first: $first) {
        backtests { historical { ...ValueAtRiskStood } parametric { ...ValueAtRiskStood } }
        edges {
          node {
            day currency confidence isComplete unvaluedPositions uncoveredPositions reason gross
            historical { valueAtRisk expectedShortfall reason }
            parametric { valueAtRisk expectedShortfall reason }
            nextDayPnl isHistoricalException
          }
        }
      }
    }
  `,
  [STOOD],
);

export type UtilisationHistory = ResultOf<typeof UTILISATION_HISTORY>["riskUtilisationHistory"];
export type AtRiskHistory = ResultOf<typeof AT_RISK_HISTORY>["valueAtRiskHistory"];
export type AtRiskDay = AtRiskHistory["edges"][number]["node"];
export type Stood = AtRiskHistory["backtests"][number]["historical"];
