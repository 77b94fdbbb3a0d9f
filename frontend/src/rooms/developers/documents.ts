import { graphql, type ResultOf } from "../../shared/graphql/document";

export const API_KEYS = graphql(`
  query ApiKeys {
    apiKeys {
      id name prefix scopes ipAllowlist requestsPerMinute expiresAt lastUsedAt revokedAt createdAt isRestricted
    }
  }
`);

export const KEY_ACCOUNTS = graphql(`
  query KeyAccounts {
    brokerAccounts { id accountNumber label }
  }
`);

export const CREATE_KEY = graphql(`
  mutation CreateApiKey($input: CreateApiKeyInput!) {
    createApiKey(input: $input) { apiKey { id name } secret errors { code message path } }
  }
`);

export const ROTATE_KEY = graphql(`
  mutation RotateApiKey($input: RotateApiKeyInput!) {
    rotateApiKey(input: $input) { apiKey { id name } secret errors { code message path } }
  }
`);

export const REVOKE_KEY = graphql(`
  mutation RevokeApiKey($input: RevokeApiKeyInput!) {
    revokeApiKey(input: $input) { apiKey { id } errors { code message path } }
  }
`);

export type ApiKey = ResultOf<typeof API_KEYS>["apiKeys"][number];
