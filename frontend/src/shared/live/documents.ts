/** What the server tells of by itself. */
import { graphql } from "../graphql/document";

export const ALERTS = graphql(`
  subscription RiskAlerts {
    riskAlerts { alert breachId accountId ratio isBreached message limit { id limitType } }
  }
`);

export const HALTS = graphql(`
  subscription HaltsLive {
    tradingHalts { id scope targetId mode reason automatic killSwitch haltedBy haltedAt resumedAt }
  }
`);

export const TRIPS = graphql(`
  subscription BreakerTrips {
    circuitBreakerTrips { id kind accountId reason trippedAt resumedAt }
  }
`);

export const CASES = graphql(`
  subscription OpenedCases {
    surveillanceCaseOpened { id kind summary accountId openedAt }
  }
`);

export const RESTRICTIONS = graphql(`
  subscription AddedRestrictionAlerts {
    restrictionAlertAdded { id outcome accountId instrumentId createdAt }
  }
`);
