import { graphql, type ResultOf } from "../../shared/graphql/document";

export const ACCOUNTS = graphql(`
  query Accounts {
    brokerAccounts {
      id broker accountNumber baseCurrency isActive isPaper
      cash equity buyingPower
      connection { state roundTripMs lastError }
    }
  }
`);

export const POSITIONS = graphql(`
  query Positions {
    positions {
      id
      account { accountNumber }
      instrument { symbol currency tickSize }
      quantity averagePrice marketPrice marketValue unrealizedPnl realizedPnl
    }
  }
`);

export const ORDERS = graphql(`
  query RecentOrders($first: Int!) {
    orders(first: $first) {
      totalCount
      edges {
        node {
          id version clientOrderId side orderType timeInForce
          quantity filledQuantity averageFillPrice limitPrice stopPrice
          state inDoubt rejectReason createdAt
          account { id accountNumber }
          instrument { symbol tickSize }
          events { sequence }
        }
      }
    }
  }
`);

export const ORDER_EVENTS = graphql(`
  subscription OrderEvents($accountId: ID!, $afterSequence: Int) {
    orderEvents(accountId: $accountId, afterSequence: $afterSequence) {
      sequence
      order {
        id version clientOrderId side orderType timeInForce
        quantity filledQuantity averageFillPrice limitPrice stopPrice
        state inDoubt rejectReason createdAt
        account { id accountNumber }
        instrument { symbol tickSize }
      }
    }
  }
`);

export const INSTRUMENTS = graphql(`
  query Instruments($first: Int!) {
    instruments(first: $first) {
      edges {
        node {
          id symbol exchange currency tickSize
          quote { bid ask last previousClose time }
        }
      }
    }
  }
`);

export const TICKS = graphql(`
  subscription Ticks($symbols: [String!]!, $throttleMs: Int) {
    ticks(symbols: $symbols, throttleMs: $throttleMs) {
      kind
      ticks { instrumentId bid ask last time }
    }
  }
`);

export type Account = ResultOf<typeof ACCOUNTS>["brokerAccounts"][number];
export type Position = ResultOf<typeof POSITIONS>["positions"][number];
export type OrderWithEvents = ResultOf<typeof ORDERS>["orders"]["edges"][number]["node"];
export type Order = Omit<OrderWithEvents, "events">;
export type InstrumentWithQuote = ResultOf<typeof INSTRUMENTS>["instruments"]["edges"][number]["node"];
export type Tick = ResultOf<typeof TICKS>["ticks"]["ticks"][number];
