/** Documents typed against the exported schema; `npm run schema` writes the types that this reads. */
import { initGraphQLTada } from "gql.tada";

import type { introspection } from "./introspection";

export const graphql = initGraphQLTada<{
  introspection: introspection;
  scalars: { ID: string; Decimal: string; DateTime: string; Date: string; Time: string; JSON: unknown };
}>();

export type { FragmentOf, ResultOf, VariablesOf } from "gql.tada";
export { readFragment } from "gql.tada";
