import { graphql } from "../graphql/document";

export const STEP_UP = graphql(`
  mutation StepUp($input: StepUpInput!) {
    stepUp(input: $input) {
      steppedUpUntil
      errors { code message path }
    }
  }
`);
