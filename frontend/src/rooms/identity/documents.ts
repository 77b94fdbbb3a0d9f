import { graphql } from "../../shared/graphql/document";

export const LOGIN = graphql(`
  mutation SignIn($input: LoginInput!) {
    login(input: $input) {
      tokens { accessToken refreshToken expiresAt }
      twoFactorChallenge
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
