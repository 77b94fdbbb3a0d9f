import { graphql, type ResultOf } from "../graphql/document";

export const VIEWER = graphql(`
  query DeskViewer {
    viewer {
      user { id email firstName lastName preferences }
      apiKey { name }
      membership { role customRole { name } accounts { accountId access } }
      tenant { id name slug }
      scopes
      memberships { id isActive tenant { id name slug isActive } }
    }
  }
`);

export const PREFERENCES = graphql(`
  query Preferences {
    viewer { user { id preferences } }
  }
`);

export const UPDATE_PREFERENCES = graphql(`
  mutation UpdatePreferences($input: UpdatePreferencesInput!) {
    updatePreferences(input: $input) { errors { code message path } }
  }
`);

const ACCOUNT = graphql(`
  fragment DeskAccount on BrokerAccount @_unmask {
    id broker accountNumber accountType label baseCurrency isActive isPaper isAdviser isConnectionWanted
    connection { state isGateOpen roundTripMs lastHeartbeatAt lastError reconnectAttempts }
  }
`);

export const DESK_ACCOUNTS = graphql(
  `
    query DeskAccounts {
      brokerAccounts { ...DeskAccount }
    }
  `,
  [ACCOUNT],
);

export const CONNECTIONS = graphql(
  `
    subscription DeskConnections {
      brokerConnections { ...DeskAccount }
    }
  `,
  [ACCOUNT],
);

export const DAY_PNL = graphql(`
  query DayPnl($accountId: ID) {
    pnlToday(accountId: $accountId) { currency net }
  }
`);

export type Viewer = ResultOf<typeof VIEWER>["viewer"];
export type DeskAccount = ResultOf<typeof DESK_ACCOUNTS>["brokerAccounts"][number];
