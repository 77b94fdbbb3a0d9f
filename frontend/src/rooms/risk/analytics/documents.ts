import { graphql, type ResultOf } from "../../../shared/graphql/document";

const BASIS = graphql(`
  fragment RiskBasisState on RiskBasis @_unmask {
    currency mode at positions isComplete oldestPriceAt arePricesStale areRatesStale
    leftOutAccounts { id accountNumber }
    unvalued(first: 20) { quantity gap instrument { symbol } }
  }
`);

const EXPOSED = graphql(`
  fragment ExposureState on Exposure @_unmask { gross net long short positions }
`);

export const EXPOSURE = graphql(
  `
    query RiskExposure($accountIds: [ID!], $mode: BookMode, $currency: String) {
      riskExposure(accountIds: $accountIds, mode: $mode, currency: $currency) {
        basis { ...RiskBasisState }
        total { ...ExposureState }
        byCurrency(first: 20) { name exposure { ...ExposureState } }
        bySector(first: 20) { name exposure { ...ExposureState } }
        byInstrument(first: 50) { instrument { id symbol } exposure { ...ExposureState } }
        byAccount(first: 50) { account { id accountNumber label } exposure { ...ExposureState } }
        greeks(first: 20) { delta gamma vega theta underlying { id symbol } }
        unmodelled(first: 20) { gap instrument { id symbol } }
      }
    }
  `,
  [BASIS, EXPOSED],
);

export const VALUE_AT_RISK = graphql(
  `
    query ValueAtRisk($accountIds: [ID!], $mode: BookMode, $currency: String, $confidence: Decimal!, $horizonDays: Int!) {
      valueAtRisk(accountIds: $accountIds, mode: $mode, currency: $currency, confidence: $confidence, horizonDays: $horizonDays) {
        basis { ...RiskBasisState }
        confidence horizonDays observations firstDay lastDay carriedForward gross coveredGross isComplete constantCurrencies
        historical { valueAtRisk expectedShortfall reason }
        parametric { valueAtRisk expectedShortfall reason }
        contributions(first: 20) { value componentValueAtRisk marginalValueAtRisk componentExpectedShortfall instrument { id symbol } }
        uncovered(first: 20) { value gap days instrument { id symbol } }
        unmodelled(first: 20) { gap instrument { id symbol } }
      }
    }
  `,
  [BASIS],
);

export const STRESS = graphql(
  `
    query StressTest($accountIds: [ID!], $mode: BookMode, $currency: String, $scenarios: [StressScenarioInput!], $past: [PastFall!]) {
      stressTest(accountIds: $accountIds, mode: $mode, currency: $currency, scenarios: $scenarios, past: $past) {
        basis { ...RiskBasisState }
        outcomes { name source priceShock volatilityShock pnl positions(first: 3) { pnl instrument { symbol } } }
      }
    }
  `,
  [BASIS],
);

export const CORRELATIONS = graphql(`
  query Correlations($accountIds: [ID!], $mode: BookMode) {
    correlations(accountIds: $accountIds, mode: $mode) {
      observations reason
      rows { values instrument { id symbol } }
      leftOut { gap instrument { id symbol } }
    }
  }
`);

const CONCENTRATED = graphql(`
  fragment ConcentrationState on ConcentrationFigures @_unmask { herfindahl effectiveNames largestShare names }
`);

export const CONCENTRATION = graphql(
  `
    query RiskConcentration($accountIds: [ID!], $mode: BookMode, $currency: String) {
      concentration(accountIds: $accountIds, mode: $mode, currency: $currency) {
        basis { ...RiskBasisState }
        byInstrument { ...ConcentrationState }
        bySector { ...ConcentrationState }
        byCurrency { ...ConcentrationState }
        instruments(first: 10) { value share instrument { id symbol } }
      }
    }
  `,
  [BASIS, CONCENTRATED],
);

export type Exposed = ResultOf<typeof EXPOSURE>["riskExposure"];
export type Exposure = Exposed["total"];
export type Basis = Exposed["basis"];
export type AtRisk = ResultOf<typeof VALUE_AT_RISK>["valueAtRisk"];
export type Stressed = ResultOf<typeof STRESS>["stressTest"]["outcomes"][number];
export type Correlated = ResultOf<typeof CORRELATIONS>["correlations"];
export type Concentrated = ResultOf<typeof CONCENTRATION>["concentration"];
