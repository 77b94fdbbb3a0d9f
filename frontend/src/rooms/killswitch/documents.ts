import { graphql, type ResultOf } from "../../shared/graphql/document";

const SWITCH = graphql(`
  fragment KillSwitchState on KillSwitch @_unmask {
    id scope targetId drill closePositions activatedAt barredAt finishedAt ordersCancelled positionsClosing
    accounts { accountId step ordersCancelled cancelsUnconfirmed positionsClosing closesOpen errors { message subjectId } }
  }
`);

export const ACTIVATE_KILL_SWITCH = graphql(
  `
    mutation ActivateKillSwitch($input: KillSwitchInput!) {
      activateKillSwitch(input: $input) {
        killSwitch { ...KillSwitchState }
        errors { code message path }
      }
    }
  `,
  [SWITCH],
);

export const KILL_SWITCH_PROGRESS = graphql(
  `
    subscription KillSwitchProgress($id: ID!) {
      killSwitchProgress(id: $id) { ...KillSwitchState }
    }
  `,
  [SWITCH],
);

export const HALTS = graphql(`
  query HaltsInForce {
    tradingHalts { id scope targetId mode reason automatic killSwitch haltedBy haltedAt resumedAt }
  }
`);

export const RESUME_TRADING = graphql(`
  mutation ResumeTrading($input: ResumeTradingInput!) {
    resumeTrading(input: $input) { halt { id resumedAt } errors { code message path } }
  }
`);

export type KillSwitchState = ResultOf<typeof KILL_SWITCH_PROGRESS>["killSwitchProgress"];
export type Halt = ResultOf<typeof HALTS>["tradingHalts"][number];
