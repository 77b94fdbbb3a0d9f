import { graphql } from "../graphql/document";

export const PERSON_NAMES = graphql(`
  query PersonNames($first: Int!) {
    members(first: $first) { id user { id email firstName lastName } }
  }
`);
