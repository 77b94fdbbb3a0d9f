import { graphql, type ResultOf } from "../../shared/graphql/document";

export const INSTALLATION = graphql(`
  query Installation {
    installation { version startedAt serverTime tradingTimeZone hasSimulator }
  }
`);

export const OPS_ACCOUNTS = graphql(`
  query OpsAccounts {
    brokerAccounts {
      id accountNumber label broker isPaper isConnectionWanted ordersAtBroker
      connection {
        state isGateOpen reconnectAttempts lastHeartbeatAt roundTripMs lastError
        pacing { messagesPerSecond messagesPerSecondMax longestWaitSeconds at waiting { priority waiting longestSeconds } }
        marketDataLines { used limit }
      }
    }
  }
`);

export const OPS_LINES = graphql(`
  query OpsMarketData {
    marketDataSubscriptions { id isActive lastTickAt gaps instrument { symbol } line { state reason } }
  }
`);

export type OpsAccount = ResultOf<typeof OPS_ACCOUNTS>["brokerAccounts"][number];
export type Line = ResultOf<typeof OPS_LINES>["marketDataSubscriptions"][number];
