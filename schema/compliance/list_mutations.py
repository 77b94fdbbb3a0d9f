"""Mutations of restricted lists."""

from datetime import datetime

import strawberry

from app.compliance.domain.list_file import FILE_BYTES_MAX
from app.compliance.domain.lists import CHANGES_MAX, ENTRIES_MAX, NewEntry
from app.compliance.domain.restrictions import RestrictionKind
from app.compliance.errors import RestrictedListInvalidError
from app.core.errors import OmsError
from app.core.ids import InstrumentId, ListEntryId
from app.flows.compliance.restricted_lists import (
    EntryChanges,
    ListSetting,
    change_entries,
    export_list,
    import_list,
    set_restricted_list,
)
from app.identity.domain import Scope
from schema.base.context import Info
from schema.base.errors import user_errors
from schema.base.ids import is_id, parse_id, storable
from schema.base.permissions import scoped
from schema.compliance.list_queries import asked_list
from schema.compliance.list_types import (
    ExportRestrictedListPayload,
    ImportRestrictedListPayload,
    RestrictedList,
    RestrictedListPayload,
)


@strawberry.input(description="A new list, or with an id what of a list is to change; what is left out stays.")
class SetRestrictedListInput:
    """A list as it is asked for."""

    id: strawberry.ID | None = None
    expected_version: int | None = None
    name: str | None = None
    description: str | None = None
    is_active: bool | None = None
    is_reason_visible: bool | None = strawberry.field(
        default=None, description="Whether a refused trader learns the reason of the entry; a new list keeps it secret."
    )
    reason: str = strawberry.field(description="Why; it stays with the version.")


@strawberry.input(description="An entry: of an instrument, or of a symbol.")
class RestrictedEntryInput:
    """An entry as it is asked for."""

    instrument_id: strawberry.ID | None = None
    symbol: str | None = None
    kind: RestrictionKind
    reason: str
    valid_from: datetime | None = None
    valid_until: datetime | None = None


@strawberry.input
class ChangeRestrictedEntriesInput:
    """What becomes of the entries of a list."""

    list_id: strawberry.ID
    expected_version: int | None = None
    add: list[RestrictedEntryInput] = strawberry.field(default_factory=list)
    remove_ids: list[strawberry.ID] = strawberry.field(default_factory=list, description="Ids of entries.")
    reason: str


@strawberry.input
class ImportRestrictedListInput:
    """A file of entries."""

    list_id: strawberry.ID
    content: str = strawberry.field(
        description="CSV with a header of symbol, instrument_id, kind, reason, from, until; times are dates or RFC "
        "3339 with an offset."
    )
    expected_version: int | None = None
    skip_refused: bool = strawberry.field(
        default=False, description="Store the other lines; without it one refused line keeps all of them out."
    )
    replace: bool = strawberry.field(default=False, description="Entries that the file does not have are removed.")
    dry_run: bool = strawberry.field(default=False, description="Tell what would become of each line, store nothing.")
    reason: str


@strawberry.input
class ExportRestrictedListInput:
    """Which list is given out."""

    list_id: strawberry.ID


@strawberry.type
class RestrictedListMutation:
    """Mutations of restricted lists."""

    @strawberry.mutation(
        description="Makes a restricted list, or changes its name and what holds of it. It is never deleted: inactive, "
        "it keeps nothing out. Once this has answered, no order passes that the list keeps out. An API key may not "
        "switch it off.",
        extensions=scoped(Scope.MANAGE_RISK, step_up=True, passes_keys=True),
    )
    async def set_restricted_list(self, info: Info, input: SetRestrictedListInput) -> RestrictedListPayload:  # noqa: A002
        """Makes or changes a list."""
        try:
            setting = ListSetting(
                id=None if input.id is None else asked_list(input.id, "id"),
                expected_version=input.expected_version,
                name=input.name,
                description=input.description,
                is_active=input.is_active,
                is_reason_visible=input.is_reason_visible,
                reason=input.reason,
            )
            found = await set_restricted_list(info.context.desk, info.context.principal, setting)
        except OmsError as error:
            return RestrictedListPayload(errors=user_errors(error))
        return RestrictedListPayload(restricted_list=RestrictedList.of(found))

    @strawberry.mutation(
        description=f"Adds and removes entries of a list, at most {CHANGES_MAX} at once and {ENTRIES_MAX} in a list, "
        "as one new version. Once this has answered, no order passes that the list keeps out. An API key may only "
        "tighten: what it removes is replaced by an entry that keeps out as much for as long.",
        extensions=scoped(Scope.MANAGE_RISK, step_up=True, passes_keys=True),
    )
    async def change_restricted_entries(
        self,
        info: Info,
        input: ChangeRestrictedEntriesInput,  # noqa: A002
    ) -> RestrictedListPayload:
        """Adds and removes entries."""
        try:
            changes = EntryChanges(
                list_id=asked_list(input.list_id),
                expected_version=input.expected_version,
                add=[_entry(one, index) for index, one in enumerate(input.add)],
                remove=[_entry_id(one, index) for index, one in enumerate(input.remove_ids)],
                reason=input.reason,
            )
            found = await change_entries(info.context.desk, info.context.principal, changes)
        except OmsError as error:
            return RestrictedListPayload(errors=user_errors(error))
        return RestrictedListPayload(restricted_list=RestrictedList.of(found))

    @strawberry.mutation(
        description=f"Takes the entries of a CSV file into a list, at most {ENTRIES_MAX} lines of {FILE_BYTES_MAX} "
        "bytes in all, with a report for each line. The same file again changes nothing. An API key may only tighten.",
        extensions=scoped(Scope.MANAGE_RISK, step_up=True, passes_keys=True),
    )
    async def import_restricted_list(
        self,
        info: Info,
        input: ImportRestrictedListInput,  # noqa: A002
    ) -> ImportRestrictedListPayload:
        """Takes a file of entries."""
        try:
            report = await import_list(
                info.context.desk,
                info.context.principal,
                asked_list(input.list_id),
                # A lone surrogate is no character: its line is told as any other that is not UTF-8.
                input.content.encode("utf-8", "surrogatepass"),
                reason=input.reason,
                expected_version=input.expected_version,
                is_dry_run=input.dry_run,
                is_replacing=input.replace,
                takes_each=input.skip_refused,
            )
        except OmsError as error:
            return ImportRestrictedListPayload(errors=user_errors(error))
        return ImportRestrictedListPayload.of(report)

    @strawberry.mutation(
        description="The entries of a list as CSV, as importRestrictedList takes it; what a spreadsheet could run is "
        "marked as text. A mutation, for it is written down.",
        extensions=scoped(Scope.MANAGE_RISK),
    )
    async def export_restricted_list(
        self,
        info: Info,
        input: ExportRestrictedListInput,  # noqa: A002
    ) -> ExportRestrictedListPayload:
        """Gives a list out."""
        try:
            csv = await export_list(info.context.desk, info.context.principal, asked_list(input.list_id))
        except OmsError as error:
            return ExportRestrictedListPayload(errors=user_errors(error))
        return ExportRestrictedListPayload(csv=csv)


def _entry(given: RestrictedEntryInput, index: int) -> NewEntry:
    path = ("add", str(index))
    if given.instrument_id is not None and not is_id(given.instrument_id):
        raise RestrictedListInvalidError("There is no such instrument.", path=[*path, "instrumentId"])
    return NewEntry(
        kind=given.kind,
        reason=storable(given.reason, *path, "reason"),
        instrument_id=None if given.instrument_id is None else InstrumentId(parse_id(given.instrument_id)),
        symbol=given.symbol,
        valid_from=given.valid_from,
        valid_until=given.valid_until,
    )


def _entry_id(text: str, index: int) -> ListEntryId:
    if not is_id(text):
        raise RestrictedListInvalidError("The list has no such entry.", path=["removeIds", str(index)])
    return ListEntryId(parse_id(text))
