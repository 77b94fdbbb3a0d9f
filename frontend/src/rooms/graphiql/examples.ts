/** The tabs that a first visit opens with, each ready to run. */

export interface ExampleTab {
  query: string;
  variables?: string;
}

/** The tabs, with the account that they trade and follow; empty where there is none yet. */
export function examplesFor(accountId: string): ExampleTab[] {
  return EXAMPLES.map(({ query, variables }) =>
    variables === undefined ? { query } : { query, variables: variables.replace(ACCOUNT, accountId) },
  );
}

const ACCOUNT = "{accountId}";

const EXAMPLES: ExampleTab[] = [
  {
    query: `# Who you are, and what you may do.
query Viewer {
  viewer {
    tenant {
      name
      slug
    }
    user {
      email
    }
    membership {
      role
    }
    scopes
  }
  brokerAccounts {
    id
    accountNumber
    isPaper
    equity
    connection {
      state
    }
  }
}
`,
  },
  {
    query: `# What can be traded, with the newest quote.
query Instruments($search: String) {
  instruments(search: $search, first: 20) {
    totalCount
    edges {
      node {
        id
        symbol
        exchange
        currency
        tickSize
        lotSize
        quote {
          bid
          ask
          last
          time
          isStale
        }
      }
    }
  }
}
`,
    variables: `{
  "search": null
}
`,
  },
  {
    query: `# The account is your first one. The same clientOrderId with the same order answers the first result again.
mutation PlaceOrder($input: PlaceOrderInput!) {
  placeOrder(input: $input) {
    order {
      id
      state
      riskChecks {
        check
        outcome
        message
      }
    }
    errors {
      code
      message
      path
    }
  }
}
`,
    variables: `{
  "input": {
    "accountId": "{accountId}",
    "symbol": "AAPL",
    "side": "BUY",
    "orderType": "MARKET",
    "quantity": "10",
    "clientOrderId": "graphiql-1"
  }
}
`,
  },
  {
    query: `# The newest orders with their fills.
query Orders {
  orders(first: 20) {
    totalCount
    pageInfo {
      hasNextPage
      endCursor
    }
    edges {
      node {
        id
        clientOrderId
        side
        orderType
        quantity
        filledQuantity
        averageFillPrice
        state
        instrument {
          symbol
        }
        executions {
          quantity
          price
          executedAt
        }
      }
    }
  }
}
`,
  },
  {
    query: `# Every event of an account's orders, live. With afterSequence the log is replayed first: no gap, no duplicate.
subscription OrderEvents($accountId: ID!, $afterSequence: Int) {
  orderEvents(accountId: $accountId, afterSequence: $afterSequence) {
    sequence
    type
    fromState
    toState
    occurredAt
    order {
      id
      clientOrderId
      filledQuantity
    }
  }
}
`,
    variables: `{
  "accountId": "{accountId}",
  "afterSequence": 0
}
`,
  },
  {
    query: `# Live prices: the newest tick of each instrument that changed in the window.
subscription Ticks($symbols: [String!]!) {
  ticks(symbols: $symbols, throttleMs: 500) {
    kind
    sequence
    serverTime
    ticks {
      symbol
      bid
      ask
      last
      time
    }
  }
}
`,
    variables: `{
  "symbols": ["AAPL", "MSFT"]
}
`,
  },
];
