import { graphql, type ResultOf } from "../../shared/graphql/document";

const LIMIT = graphql(`
  fragment RiskLimitState on RiskLimit @_unmask {
    id limitType value currency conditions accountId instrumentId isActive isShadow warnAt effectiveFrom effectiveUntil
    version createdBy createdAt updatedAt lastDrilledAt lastDrillOutcome lastDrillMessage lastDrillVersion
  }
`);

const TERMS = graphql(`
  fragment RiskLimitTermsState on RiskLimitTerms @_unmask {
    limitType value currency conditions accountId instrumentId isActive isShadow warnAt effectiveFrom effectiveUntil
  }
`);

const PROPOSAL = graphql(
  `
    fragment RiskProposalState on RiskLimitProposal @_unmask {
      id limitId baseVersion why reason proposedBy createdAt expiresAt state decidedBy decidedAt decisionReason
      before { ...RiskLimitTermsState }
      wanted { ...RiskLimitTermsState }
    }
  `,
  [TERMS],
);

export const LIMITS = graphql(
  `
    query RiskLimits($filter: RiskLimitFilter, $first: Int!, $after: String) {
      riskLimitPage(filter: $filter, first: $first, after: $after) {
        totalCount
        pageInfo { hasNextPage endCursor }
        edges { node { ...RiskLimitState } }
      }
    }
  `,
  [LIMIT],
);

export const LIMIT_HISTORY = graphql(
  `
    query RiskLimitHistory($limitId: ID!, $first: Int!, $after: String) {
      riskLimitHistory(limitId: $limitId, first: $first, after: $after) {
        totalCount
        pageInfo { hasNextPage endCursor }
        edges {
          node {
            version action changedBy approvedBy reason recordedAt
            before { ...RiskLimitTermsState }
            after { ...RiskLimitTermsState }
          }
        }
      }
    }
  `,
  [TERMS],
);

export const PROPOSALS = graphql(
  `
    query RiskLimitProposals($states: [RiskLimitProposalState!], $first: Int!, $after: String) {
      riskLimitProposals(states: $states, first: $first, after: $after) {
        totalCount
        pageInfo { hasNextPage endCursor }
        edges { node { ...RiskProposalState } }
      }
    }
  `,
  [PROPOSAL],
);

export const TEMPLATES = graphql(`
  query RiskTemplates {
    riskTemplates { name description limits { limitType value partOfCapital } }
  }
`);

export const SHADOW_REPORT = graphql(`
  query RiskShadowReport($limitId: ID!, $days: Int!) {
    riskShadowReport(limitId: $limitId, days: $days) {
      since orders isWhole refusedAnyway notCovered recorded replayed notReplayable blocked
      gaps { reason orders }
      blockedOrders { source observed message order { id side quantity instrument { symbol } createdAt } }
    }
  }
`);

export const SET_LIMIT = graphql(`
  mutation SetRiskLimit($input: SetRiskLimitInput!) {
    setRiskLimit(input: $input) { riskLimit { id version } proposal { id why } errors { code message path } }
  }
`);

export const DELETE_LIMIT = graphql(`
  mutation DeleteRiskLimit($input: DeleteRiskLimitInput!) {
    deleteRiskLimit(input: $input) { riskLimit { id } proposal { id why } errors { code message path } }
  }
`);

export const APPROVE_PROPOSAL = graphql(`
  mutation ApproveRiskLimitProposal($input: DecideRiskLimitProposalInput!) {
    approveRiskLimitProposal(input: $input) { riskLimit { id version } errors { code message path } }
  }
`);

export const REJECT_PROPOSAL = graphql(`
  mutation RejectRiskLimitProposal($input: DecideRiskLimitProposalInput!) {
    rejectRiskLimitProposal(input: $input) { proposal { id state } errors { code message path } }
  }
`);

export const IMPORT_LIMITS = graphql(`
  mutation ImportRiskLimits($input: ImportRiskLimitsInput!) {
    importRiskLimits(input: $input) {
      isStored
      lines { number outcome limitId code message column }
      errors { code message path }
    }
  }
`);

export const EXPORT_LIMITS = graphql(`
  mutation ExportRiskLimits {
    exportRiskLimits { csv errors { code message path } }
  }
`);

export const APPLY_TEMPLATE = graphql(`
  mutation ApplyRiskTemplate($input: ApplyRiskTemplateInput!) {
    applyRiskTemplate(input: $input) { riskLimits { id } skipped errors { code message path } }
  }
`);

export const DRILL_LIMITS = graphql(`
  mutation DrillRiskLimits($input: DrillRiskLimitsInput!) {
    drillRiskLimits(input: $input) {
      riskLimits { id limitType lastDrillOutcome lastDrillMessage lastDrilledAt }
      errors { code message path }
    }
  }
`);

export type Limit = ResultOf<typeof LIMITS>["riskLimitPage"]["edges"][number]["node"];
export type LimitType = Limit["limitType"];
export type LimitVersion = ResultOf<typeof LIMIT_HISTORY>["riskLimitHistory"]["edges"][number]["node"];
export type Terms = NonNullable<LimitVersion["after"]>;
export type Proposal = ResultOf<typeof PROPOSALS>["riskLimitProposals"]["edges"][number]["node"];
export type Template = ResultOf<typeof TEMPLATES>["riskTemplates"][number];
export type ShadowReport = ResultOf<typeof SHADOW_REPORT>["riskShadowReport"];
export type ImportReport = ResultOf<typeof IMPORT_LIMITS>["importRiskLimits"];
