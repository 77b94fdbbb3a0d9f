import { graphql, type ResultOf, type VariablesOf } from "../../shared/graphql/document";

export const AUDIT_LOG = graphql(`
  query AuditLog(
    $action: String, $resourceType: String, $resourceId: ID, $actor: String, $requestId: String,
    $createdAfter: DateTime, $createdBefore: DateTime, $text: String, $first: Int!, $after: String
  ) {
    auditLog(
      action: $action, resourceType: $resourceType, resourceId: $resourceId, actor: $actor, requestId: $requestId,
      createdAfter: $createdAfter, createdBefore: $createdBefore, text: $text, first: $first, after: $after
    ) {
      totalCount
      pageInfo { hasNextPage endCursor }
      edges {
        node { id sequence actor action resourceType resourceId oldValues newValues ipAddress requestId hash createdAt }
      }
    }
  }
`);

export const VERIFY_AUDIT_LOG = graphql(`
  query VerifyAuditLog($fromSequence: Int) {
    verifyAuditLog(fromSequence: $fromSequence) {
      entries isIntact firstBrokenSequence fromSequence toSequence isComplete signedHeads unverifiedHeads
      breaks { kind fromSequence toSequence }
    }
  }
`);

export const NAMES = graphql(`
  query MemberNames($first: Int!) {
    members(first: $first) { id user { id email firstName lastName } }
  }
`);

export const KEY_NAMES = graphql(`
  query KeyNames {
    apiKeys { id name }
  }
`);

export type Entry = ResultOf<typeof AUDIT_LOG>["auditLog"]["edges"][number]["node"];
export type Verification = ResultOf<typeof VERIFY_AUDIT_LOG>["verifyAuditLog"];
export type Question = Omit<VariablesOf<typeof AUDIT_LOG>, "first" | "after">;
