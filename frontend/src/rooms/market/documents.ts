import { graphql, type ResultOf } from "../../shared/graphql/document";

export const INSTRUMENTS = graphql(`
  query MarketInstruments($symbols: [String!], $first: Int!) {
    instruments(symbols: $symbols, first: $first) {
      totalCount
      edges {
        node {
          id symbol name exchange currency instrumentType tickSize lotSize multiplier
          quote {
            bid bidSize ask askSize last lastSize volume high low previousClose time isStale
            line { state reason }
          }
        }
      }
    }
  }
`);

export const TICKS = graphql(`
  subscription MarketTicks($symbols: [String!]!, $throttleMs: Int) {
    ticks(symbols: $symbols, throttleMs: $throttleMs) {
      kind sequence
      ticks { instrumentId bid bidSize ask askSize last lastSize volume time }
    }
  }
`);

export const INSTRUMENT = graphql(`
  query InstrumentInFull($id: ID!) {
    node(id: $id) {
      ... on Instrument {
        id symbol name exchange currency instrumentType tickSize lotSize multiplier
        expiresOn strike optionRight underlyingSymbol brokerContractId timeZone describedAt
        tradingSessions { date kind opensAt closesAt }
        quote { line { state reason since } }
      }
    }
    marketDataSubscriptions { id lastTickAt ticksReceived gaps createdAt instrument { id } line { state reason } }
  }
`);

export const SEARCH_CONTRACTS = graphql(`
  query SearchContracts($search: String!) {
    searchContracts(search: $search) {
      contractId symbol name instrumentType exchange currency
    }
  }
`);

export const ADD_INSTRUMENT = graphql(`
  mutation AddInstrument($input: ContractInput!) {
    addInstrument(input: $input) { instrument { id symbol } errors { code message path } }
  }
`);

export const SUBSCRIBE_MARKET_DATA = graphql(`
  mutation SubscribeMarketData($input: SubscribeMarketDataInput!) {
    subscribeMarketData(input: $input) { errors { code message path } }
  }
`);

export const UNSUBSCRIBE_MARKET_DATA = graphql(`
  mutation UnsubscribeMarketData($input: UnsubscribeMarketDataInput!) {
    unsubscribeMarketData(input: $input) { errors { code message path } }
  }
`);

export type MarketInstrument = ResultOf<typeof INSTRUMENTS>["instruments"]["edges"][number]["node"];
export type Tick = ResultOf<typeof TICKS>["ticks"]["ticks"][number];
