import { graphql, type ResultOf } from "../../shared/graphql/document";

export const PROFILE = graphql(`
  query Profile {
    viewer {
      user { id email firstName lastName phoneNumber emailVerified preferences }
      apiKey { name }
      membership { role customRole { name } }
      tenant { id name slug domain settings }
      scopes
      memberships { id role customRole { name } tenant { id name slug } }
    }
  }
`);

export const UPDATE_PROFILE = graphql(`
  mutation UpdateProfile($input: UpdateProfileInput!) {
    updateProfile(input: $input) { user { id } errors { code message path } }
  }
`);

export const CHANGE_EMAIL = graphql(`
  mutation ChangeEmail($input: ChangeEmailInput!) {
    changeEmail(input: $input) { errors { code message path } }
  }
`);

export const REQUEST_EMAIL_VERIFICATION = graphql(`
  mutation RequestEmailVerification {
    requestEmailVerification { errors { code message path } }
  }
`);

export const CHANGE_PASSWORD = graphql(`
  mutation ChangePassword($input: ChangePasswordInput!) {
    changePassword(input: $input) { errors { code message path } }
  }
`);

export const SESSIONS = graphql(`
  query Sessions {
    sessions { id ipAddress userAgent createdAt lastSeenAt current }
  }
`);

export const REVOKE_SESSION = graphql(`
  mutation RevokeSession($input: RevokeSessionInput!) {
    revokeSession(input: $input) { errors { code message path } }
  }
`);

export const LOGOUT_EVERYWHERE = graphql(`
  mutation LogoutEverywhere {
    logoutEverywhere { ended errors { code message path } }
  }
`);

export const MEMBERS = graphql(`
  query Members($first: Int!, $after: String) {
    members(first: $first, after: $after) {
      id role isActive scopes
      customRole { id name }
      user { id email firstName lastName twoFactorEnabled emailVerified createdAt }
      accounts { accountId access }
    }
  }
`);

export const INVITATIONS = graphql(`
  query Invitations($first: Int!, $after: String) {
    invitations(first: $first, after: $after) {
      id email role timesSent createdAt sentAt expiresAt
      customRole { id name }
      accounts { accountId access }
    }
  }
`);

export const ROLES = graphql(`
  query CustomRoles {
    customRoles { id name scopes updatedAt }
  }
`);

export const GRANTABLE_ACCOUNTS = graphql(`
  query GrantableAccounts {
    brokerAccounts { id accountNumber label broker isPaper }
  }
`);

export const UPDATE_MEMBER = graphql(`
  mutation UpdateMember($input: UpdateMemberInput!) {
    updateMember(input: $input) { member { id } errors { code message path } }
  }
`);

export const REMOVE_MEMBER = graphql(`
  mutation RemoveMember($input: RemoveMemberInput!) {
    removeMember(input: $input) { member { id } errors { code message path } }
  }
`);

export const ERASE_PERSON = graphql(`
  mutation ErasePerson($input: ErasePersonInput!) {
    erasePerson(input: $input) { erasedKeys erasedProfile errors { code message path } }
  }
`);

export const INVITE_MEMBER = graphql(`
  mutation InviteMember($input: InviteMemberInput!) {
    inviteMember(input: $input) { invitation { id email } errors { code message path } }
  }
`);

export const RESEND_INVITATION = graphql(`
  mutation ResendInvitation($input: InvitationInput!) {
    resendInvitation(input: $input) { invitation { id } errors { code message path } }
  }
`);

export const REVOKE_INVITATION = graphql(`
  mutation RevokeInvitation($input: InvitationInput!) {
    revokeInvitation(input: $input) { invitation { id } errors { code message path } }
  }
`);

export const CREATE_ROLE = graphql(`
  mutation CreateRole($input: CreateRoleInput!) {
    createRole(input: $input) { role { id } errors { code message path } }
  }
`);

export const UPDATE_ROLE = graphql(`
  mutation UpdateRole($input: UpdateRoleInput!) {
    updateRole(input: $input) { role { id } errors { code message path } }
  }
`);

export const DELETE_ROLE = graphql(`
  mutation DeleteRole($input: DeleteRoleInput!) {
    deleteRole(input: $input) { role { id } errors { code message path } }
  }
`);

export const IMPORT_MEMBERS = graphql(`
  mutation ImportMembers($input: ImportMembersInput!) {
    importMembers(input: $input) {
      stored
      lines { line email outcome code message }
      errors { code message path }
    }
  }
`);

export const EXPORT_MEMBERS = graphql(`
  mutation ExportMembers {
    exportMembers { csv errors { code message path } }
  }
`);

export const UPDATE_TENANT = graphql(`
  mutation UpdateTenant($input: UpdateTenantInput!) {
    updateTenant(input: $input) { tenant { id name domain settings } errors { code message path } }
  }
`);

export const DEMAND_TWO_FACTOR = graphql(`
  mutation DemandTwoFactor($input: DemandTwoFactorInput!) {
    demandTwoFactor(input: $input) { tenant { id settings } errors { code message path } }
  }
`);

export const DEACTIVATE_TENANT = graphql(`
  mutation DeactivateTenant($input: DeactivateTenantInput!) {
    deactivateTenant(input: $input) { ordersCanceled errors { code message path } }
  }
`);

export const AUDIT_RETENTION = graphql(`
  query AuditRetention {
    auditRetention { keepDays setBy setAt }
  }
`);

export const SET_AUDIT_RETENTION = graphql(`
  mutation SetAuditRetention($input: SetAuditRetentionInput!) {
    setAuditRetention(input: $input) { retention { keepDays } errors { code message path } }
  }
`);

export const RECORD_RETENTION = graphql(`
  query RecordRetention {
    recordRetention { alertDays caseDays setBy setAt }
  }
`);

export const SET_RECORD_RETENTION = graphql(`
  mutation SetRecordRetention($input: SetRecordRetentionInput!) {
    setRecordRetention(input: $input) { retention { alertDays caseDays } errors { code message path } }
  }
`);

export const PLATFORM_ENTRIES = graphql(`
  query PlatformEntries($first: Int!) {
    platformEntries(first: $first) { id administrator reason scopes createdAt expiresAt endedAt }
  }
`);

export const END_PLATFORM_ENTRY = graphql(`
  mutation EndPlatformEntry($input: EndPlatformEntryInput!) {
    endPlatformEntry(input: $input) { entry { id endedAt } errors { code message path } }
  }
`);

export const POLICIES = graphql(`
  query ApprovalPolicies($first: Int!, $after: String) {
    approvalPolicies(first: $first, after: $after) {
      totalCount
      pageInfo { hasNextPage endCursor }
      edges {
        node {
          id accountId strategyId notional currency expirySeconds isActive version author reason createdAt updatedAt
          hours { timeZone windows { opens closes days } }
        }
      }
    }
  }
`);

export const SET_POLICY = graphql(`
  mutation SetApprovalPolicy($input: SetApprovalPolicyInput!) {
    setApprovalPolicy(input: $input) { policy { id version } errors { code message path } }
  }
`);

export const DELETE_POLICY = graphql(`
  mutation DeleteApprovalPolicy($input: DeleteApprovalPolicyInput!) {
    deleteApprovalPolicy(input: $input) { policy { id } errors { code message path } }
  }
`);

export type Viewer = ResultOf<typeof PROFILE>["viewer"];
export type Session = ResultOf<typeof SESSIONS>["sessions"][number];
export type Member = ResultOf<typeof MEMBERS>["members"][number];
export type Invitation = ResultOf<typeof INVITATIONS>["invitations"][number];
export type CustomRole = ResultOf<typeof ROLES>["customRoles"][number];
export type Account = ResultOf<typeof GRANTABLE_ACCOUNTS>["brokerAccounts"][number];
export type Policy = ResultOf<typeof POLICIES>["approvalPolicies"]["edges"][number]["node"];
export type ImportedLine = ResultOf<typeof IMPORT_MEMBERS>["importMembers"]["lines"][number];
export type PlatformEntry = ResultOf<typeof PLATFORM_ENTRIES>["platformEntries"][number];
