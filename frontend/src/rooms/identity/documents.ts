import { graphql } from "../../shared/graphql/document";

export const LOGIN = graphql(`
  mutation SignIn($input: LoginInput!) {
    login(input: $input) {
      tokens { expiresAt }
      twoFactorChallenge
      errors { code message path }
    }
  }
`);

export const VERIFY = graphql(`
  mutation VerifyTwoFactor($input: VerifyTwoFactorInput!) {
    verifyTwoFactor(input: $input) {
      tokens { expiresAt }
      errors { code message path }
    }
  }
`);

export const VIEWER = graphql(`
  query Viewer {
    viewer {
      user { email firstName lastName }
      apiKey { name }
      membership { role }
      tenant { id name slug }
      scopes
    }
  }
`);

export const VERIFY_EMAIL = graphql(`
  mutation VerifyEmail($input: VerifyEmailInput!) {
    verifyEmail(input: $input) {
      tokens { expiresAt }
      errors { code message path }
    }
  }
`);

export const RESET_PASSWORD = graphql(`
  mutation ResetPassword($input: ResetPasswordInput!) {
    resetPassword(input: $input) {
      errors { code message path }
    }
  }
`);

export const REQUEST_PASSWORD_RESET = graphql(`
  mutation RequestPasswordReset($input: RequestPasswordResetInput!) {
    requestPasswordReset(input: $input) {
      errors { code message path }
    }
  }
`);

export const ACCEPT_INVITATION = graphql(`
  mutation AcceptInvitation($input: AcceptInvitationInput!) {
    acceptInvitation(input: $input) {
      email
      tenantSlug
      errors { code message path }
    }
  }
`);
