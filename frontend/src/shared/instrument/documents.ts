import { graphql } from "../graphql/document";

export const INSTRUMENTS_BY_SYMBOL = graphql(`
  query InstrumentsBySymbol($symbols: [String!]!, $first: Int!) {
    instruments(symbols: $symbols, first: $first) {
      edges { node { id symbol exchange currency } }
    }
  }
`);

export const INSTRUMENT_NAME = graphql(`
  query InstrumentName($id: ID!) {
    node(id: $id) { ... on Instrument { id symbol } }
  }
`);
