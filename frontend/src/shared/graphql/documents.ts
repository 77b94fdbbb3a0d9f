import { graphql } from "./document";

export const REFRESH = graphql(`
  mutation RefreshToken($input: RefreshTokenInput!) {
    refreshToken(input: $input) { tokens { expiresAt } errors { code message } }
  }
`);

export const LOGOUT = graphql(`
  mutation Logout {
    logout { errors { code message } }
  }
`);
