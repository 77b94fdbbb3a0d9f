import { graphql } from "../../shared/graphql/document";

export const FIRST_ACCOUNT = graphql(`
  query FirstAccount {
    brokerAccounts { id }
  }
`);
