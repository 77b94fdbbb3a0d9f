import { graphql, type ResultOf } from "../../shared/graphql/document";

export const ACCOUNT_FIGURES = graphql(`
  query AccountFigures {
    brokerAccounts { id cash equity buyingPower excessLiquidity }
  }
`);

export type Figures = ResultOf<typeof ACCOUNT_FIGURES>["brokerAccounts"][number];
