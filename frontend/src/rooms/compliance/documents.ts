import { graphql, type ResultOf } from "../../shared/graphql/document";

export const LISTS = graphql(`
  query RestrictedLists($first: Int!, $after: String) {
    restrictedLists(first: $first, after: $after) {
      totalCount
      pageInfo { hasNextPage endCursor }
      edges { node { id name description isActive isReasonVisible entryCount version changedBy reason updatedAt } }
    }
  }
`);

export const ENTRIES = graphql(`
  query RestrictedEntries($listId: ID!, $first: Int!, $after: String) {
    restrictedEntries(listId: $listId, first: $first, after: $after) {
      totalCount
      pageInfo { hasNextPage endCursor }
      edges { node { id instrumentId symbol kind reason validFrom validUntil addedBy addedAt } }
    }
  }
`);

export const LIST_VERSIONS = graphql(`
  query RestrictedListVersions($listId: ID!, $first: Int!, $after: String) {
    restrictedListVersions(listId: $listId, first: $first, after: $after) {
      totalCount
      pageInfo { hasNextPage endCursor }
      edges { node { version name isActive isReasonVisible added removed changedBy reason changedAt } }
    }
  }
`);

export const SET_LIST = graphql(`
  mutation SetRestrictedList($input: SetRestrictedListInput!) {
    setRestrictedList(input: $input) { restrictedList { id } errors { code message path } }
  }
`);

export const CHANGE_ENTRIES = graphql(`
  mutation ChangeRestrictedEntries($input: ChangeRestrictedEntriesInput!) {
    changeRestrictedEntries(input: $input) { restrictedList { id version } errors { code message path } }
  }
`);

export const IMPORT_LIST = graphql(`
  mutation ImportRestrictedList($input: ImportRestrictedListInput!) {
    importRestrictedList(input: $input) { isStored lines { number name outcome code message } errors { code message path } }
  }
`);

export const EXPORT_LIST = graphql(`
  mutation ExportRestrictedList($input: ExportRestrictedListInput!) {
    exportRestrictedList(input: $input) { csv errors { code message path } }
  }
`);

export const ALERTS = graphql(`
  query RestrictionAlerts($first: Int!, $after: String) {
    restrictionAlerts(first: $first, after: $after) {
      totalCount
      pageInfo { hasNextPage endCursor }
      edges { node { id act outcome kind listId entryId orderId accountId instrumentId actedBy createdAt } }
    }
  }
`);

export const CASES = graphql(`
  query SurveillanceCases($states: [SurveillanceCaseState!], $kinds: [SurveillanceCaseKind!], $first: Int!, $after: String) {
    surveillanceCases(states: $states, kinds: $kinds, first: $first, after: $after) {
      totalCount
      pageInfo { hasNextPage endCursor }
      edges {
        node { id kind state summary accountId instrumentId assignee disposition occurredAt openedAt updatedAt }
      }
    }
  }
`);

export const CASE = graphql(`
  query SurveillanceCase($id: ID!) {
    surveillanceCase(caseId: $id) {
      case {
        id kind state summary accountId instrumentId orderIds executionIds assignee disposition dispositionReason proposedBy
        closedBy version occurredAt openedAt updatedAt
      }
      notes { id note writtenBy writtenAt }
    }
  }
`);

export const TAKE_CASE = graphql(`
  mutation TakeSurveillanceCase($input: TakeSurveillanceCaseInput!) {
    takeSurveillanceCase(input: $input) { case { id state } errors { code message path } }
  }
`);

export const WRITE_NOTE = graphql(`
  mutation WriteSurveillanceNote($input: WriteSurveillanceNoteInput!) {
    writeSurveillanceNote(input: $input) { case { id } errors { code message path } }
  }
`);

export const CLOSE_CASE = graphql(`
  mutation CloseSurveillanceCase($input: CloseSurveillanceCaseInput!) {
    closeSurveillanceCase(input: $input) { case { id state } errors { code message path } }
  }
`);

export const CALENDAR = graphql(`
  query CalendarDays($exchange: String, $first: Int!, $after: String) {
    calendarDays(exchange: $exchange, first: $first, after: $after) {
      totalCount
      pageInfo { hasNextPage endCursor }
      edges { node { exchange day name isClosed opens closes extendedOpens extendedCloses setBy reason setAt } }
    }
  }
`);

export const SET_DAYS = graphql(`
  mutation SetCalendarDays($input: SetCalendarDaysInput!) {
    setCalendarDays(input: $input) { stored removed errors { code message path } }
  }
`);

export const IMPORT_CALENDAR = graphql(`
  mutation ImportCalendar($input: ImportCalendarInput!) {
    importCalendar(input: $input) { isStored lines { number exchange day code message } errors { code message path } }
  }
`);

export const EXPORT_CALENDAR = graphql(`
  mutation ExportCalendar {
    exportCalendar { csv errors { code message path } }
  }
`);

export const QUALITY = graphql(`
  query ExecutionQuality($after: DateTime!, $before: DateTime!, $accountId: ID, $groupBy: [ExecutionQualityGroup!]) {
    executionQuality(after: $after, before: $before, accountId: $accountId, groupBy: $groupBy) {
      accountId instrumentId symbol orderType route currency orders filled measured quantity filledQuantity fillRate
      arrivalSlippageBps midSlippageBps effectiveSpreadBps cost medianSecondsToFirstFill medianSecondsToLastFill
    }
  }
`);

export const RECORDS = graphql(`
  query OrderRecords($fromTime: DateTime!, $toTime: DateTime!, $accountId: ID, $first: Int!, $after: String) {
    orderRecords(fromTime: $fromTime, toTime: $toTime, accountId: $accountId, first: $first, after: $after) {
      totalCount
      pageInfo { hasNextPage endCursor }
      edges { node { orderId record } }
    }
  }
`);

export const EXPORTS = graphql(`
  query OrderRecordExports($first: Int!, $after: String) {
    orderRecordExports(first: $first, after: $after) {
      totalCount
      pageInfo { hasNextPage endCursor }
      edges {
        node {
          id fromTime toTime accountId format state ordersTotal ordersWritten sizeBytes sha256 errorMessage requestedBy
          requestedAt expiresAt fileName downloadPath
        }
      }
    }
  }
`);

export const EXPORT = graphql(`
  query OrderRecordExport($id: ID!) {
    orderRecordExport(id: $id) { id fileName downloadPath }
  }
`);

export const REQUEST_RECORDS = graphql(`
  mutation RequestOrderRecords($input: RequestOrderRecordsInput!) {
    requestOrderRecords(input: $input) { export { id } errors { code message path } }
  }
`);

export type RestrictedList = ResultOf<typeof LISTS>["restrictedLists"]["edges"][number]["node"];
export type Entry = ResultOf<typeof ENTRIES>["restrictedEntries"]["edges"][number]["node"];
export type Alert = ResultOf<typeof ALERTS>["restrictionAlerts"]["edges"][number]["node"];
export type Case = ResultOf<typeof CASES>["surveillanceCases"]["edges"][number]["node"];
export type CaseFile = ResultOf<typeof CASE>["surveillanceCase"];
export type Day = ResultOf<typeof CALENDAR>["calendarDays"]["edges"][number]["node"];
export type Quality = ResultOf<typeof QUALITY>["executionQuality"][number];
export type RecordExport = ResultOf<typeof EXPORTS>["orderRecordExports"]["edges"][number]["node"];
export type OrderRecord = ResultOf<typeof RECORDS>["orderRecords"]["edges"][number]["node"];
