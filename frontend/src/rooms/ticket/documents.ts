import { graphql, type ResultOf } from "../../shared/graphql/document";

export const SUGGEST = graphql(`
  query SuggestSymbols($search: String!) {
    instruments(search: $search, first: 10) {
      edges { node { id symbol name } }
    }
  }
`);

export const TICKET_INSTRUMENT = graphql(`
  query TicketInstrument($symbols: [String!]!) {
    instruments(symbols: $symbols, first: 10) {
      edges {
        node {
          id symbol name exchange currency instrumentType tickSize lotSize multiplier
          quote { bid ask last bidSize askSize time isStale }
        }
      }
    }
  }
`);

export const TICKET_TICKS = graphql(`
  subscription TicketTicks($symbols: [String!]!) {
    ticks(symbols: $symbols, throttleMs: 200) {
      ticks { instrumentId bid ask last time }
    }
  }
`);

export const PREVIEW = graphql(`
  query TicketPreview($input: PlaceOrderInput!) {
    previewOrder(input: $input) {
      wouldBeAccepted wouldNeedApproval
      currency price notional
      commission minCommission maxCommission commissionCurrency
      initialMarginChange marginCurrency brokerWarning
      notionalUnavailable { message }
      marginUnavailable { message }
      riskChecks { check outcome message }
      errors { code message path }
    }
  }
`);

export const PLACE_ORDER = graphql(`
  mutation PlaceFromTicket($input: PlaceOrderInput!) {
    placeOrder(input: $input) {
      order {
        id state side quantity clientOrderId rejectReason
        instrument { symbol }
        riskChecks { check outcome message }
      }
      errors { code message path }
    }
  }
`);

export type TicketInstrument = ResultOf<typeof TICKET_INSTRUMENT>["instruments"]["edges"][number]["node"];
export type Preview = ResultOf<typeof PREVIEW>["previewOrder"];
export type Placed = ResultOf<typeof PLACE_ORDER>["placeOrder"];
