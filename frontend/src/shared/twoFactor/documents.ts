import { graphql } from "../graphql/document";

export const TWO_FACTOR = graphql(`
  query TwoFactor {
    twoFactor { enabled confirmedAt recoveryCodesLeft demanded steppedUp }
  }
`);

export const BEGIN_TWO_FACTOR = graphql(`
  mutation BeginTwoFactor {
    beginTwoFactor { secret uri qrSvg errors { code message path } }
  }
`);

export const CONFIRM_TWO_FACTOR = graphql(`
  mutation ConfirmTwoFactor($input: ConfirmTwoFactorInput!) {
    confirmTwoFactor(input: $input) { recoveryCodes errors { code message path } }
  }
`);

export const RENEW_RECOVERY_CODES = graphql(`
  mutation RenewRecoveryCodes {
    renewRecoveryCodes { recoveryCodes errors { code message path } }
  }
`);

export const DISABLE_TWO_FACTOR = graphql(`
  mutation DisableTwoFactor($input: DisableTwoFactorInput!) {
    disableTwoFactor(input: $input) { errors { code message path } }
  }
`);
