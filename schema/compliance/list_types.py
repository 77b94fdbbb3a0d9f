"""The GraphQL types of restricted lists and of what touched them."""

from datetime import datetime
from typing import Final

import strawberry

from app.compliance.domain import list_file, lists, restrictions
from app.compliance.domain.list_file import LineOutcome
from app.compliance.domain.restrictions import AlertOutcome, RestrictedAct, RestrictionKind
from app.flows.compliance.restricted_lists import ImportedList
from schema.base.errors import UserError
from schema.base.pagination import Cursors

LIST_CURSORS: Final = Cursors("restrictedList")
ENTRY_CURSORS: Final = Cursors("restrictedEntry")
VERSION_CURSORS: Final = Cursors("restrictedListVersion")
ALERT_CURSORS: Final = Cursors("restrictionAlert")

strawberry.enum(
    RestrictionKind,
    description="NO_TRADE lets no order through, NO_BUY only what makes a position smaller; NOTIFY lets all pass and "
    "leaves an alert.",
)
strawberry.enum(RestrictedAct, description="What was asked of a restricted name.")
strawberry.enum(AlertOutcome, name="RestrictionOutcome", description="What became of what was asked.")
strawberry.enum(LineOutcome, name="RestrictedLineOutcome", description="What became of a line, or would.")


@strawberry.type(description="A list of what may not be dealt, or only told about, in all accounts of the tenant.")
class RestrictedList:
    """A restricted list."""

    id: strawberry.ID
    name: str
    description: str
    is_active: bool
    is_reason_visible: bool = strawberry.field(
        description="Whether a refused trader learns the reason of the entry; else only that compliance refused."
    )
    entry_count: int
    version: int = strawberry.field(description="Counts up with every change of the list and of its entries.")
    changed_by: str
    reason: str = strawberry.field(description="Why the list was changed last.")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, one: lists.RestrictedList) -> "RestrictedList":
        """The type of the value."""
        return cls(
            id=strawberry.ID(str(one.id)),
            name=one.name,
            description=one.description,
            is_active=one.is_active,
            is_reason_visible=one.is_reason_visible,
            entry_count=one.entries,
            version=one.version,
            changed_by=one.changed_by,
            reason=one.reason,
            created_at=one.created_at,
            updated_at=one.updated_at,
        )


@strawberry.type(description="An entry of a list. It is never changed: another takes its place.")
class RestrictedEntry:
    """An entry of a list."""

    id: strawberry.ID
    list_id: strawberry.ID
    instrument_id: strawberry.ID | None
    symbol: str | None = strawberry.field(
        description="In capital letters: the symbol on any exchange, and that of what an option or a future is on."
    )
    kind: RestrictionKind
    reason: str
    valid_from: datetime | None
    valid_until: datetime | None = strawberry.field(description="Exclusive; null for no end.")
    added_in: int = strawberry.field(description="The version of the list that brought it.")
    added_by: str
    added_at: datetime
    removed_in: int | None = strawberry.field(description="The first version without it; null while it is on the list.")

    @classmethod
    def of(cls, one: lists.ListEntry) -> "RestrictedEntry":
        """The type of the value."""
        terms = one.terms
        return cls(
            id=strawberry.ID(str(one.id)),
            list_id=strawberry.ID(str(one.list_id)),
            instrument_id=None if terms.instrument_id is None else strawberry.ID(str(terms.instrument_id)),
            symbol=terms.symbol,
            kind=terms.kind,
            reason=terms.reason,
            valid_from=terms.valid_from,
            valid_until=terms.valid_until,
            added_in=one.added_in,
            added_by=one.added_by,
            added_at=one.added_at,
            removed_in=one.removed_in,
        )


@strawberry.type(description="What a list was from one change up to the next, by whom and why.")
class RestrictedListVersion:
    """A version of a list."""

    version: int
    name: str
    is_active: bool
    is_reason_visible: bool
    added: int = strawberry.field(description="How many entries came with it.")
    removed: int = strawberry.field(description="How many entries went with it.")
    changed_by: str
    reason: str
    changed_at: datetime

    @classmethod
    def of(cls, one: lists.ListVersion) -> "RestrictedListVersion":
        """The type of the value."""
        return cls(
            version=one.version,
            name=one.name,
            is_active=one.is_active,
            is_reason_visible=one.is_reason_visible,
            added=one.added,
            removed=one.removed,
            changed_by=one.changed_by,
            reason=one.reason,
            changed_at=one.changed_at,
        )


@strawberry.type(description="A touch of a restricted name. Who placed the order does not see it.")
class RestrictionAlert:
    """A touch of a restricted name."""

    id: strawberry.ID
    act: RestrictedAct
    outcome: AlertOutcome
    kind: RestrictionKind
    list_id: strawberry.ID
    entry_id: strawberry.ID
    order_id: strawberry.ID
    account_id: strawberry.ID
    instrument_id: strawberry.ID
    acted_by: str
    created_at: datetime

    @classmethod
    def of(cls, one: restrictions.RestrictionAlert) -> "RestrictionAlert":
        """The type of the value."""
        return cls(
            id=strawberry.ID(str(one.id)),
            act=one.act,
            outcome=one.outcome,
            kind=one.kind,
            list_id=strawberry.ID(str(one.list_id)),
            entry_id=strawberry.ID(str(one.entry_id)),
            order_id=strawberry.ID(str(one.order_id)),
            account_id=strawberry.ID(str(one.account_id)),
            instrument_id=strawberry.ID(str(one.instrument_id)),
            acted_by=one.acted_by,
            created_at=one.created_at,
        )


@strawberry.type(description="What became of a line of a file, or would.")
class RestrictedLine:
    """What became of a line."""

    number: int = strawberry.field(description="The header is 1; 0 for an entry that a replacing file leaves out.")
    name: str = strawberry.field(description="The symbol or the id of the instrument.")
    outcome: LineOutcome
    code: str | None
    message: str | None = strawberry.field(description="Why it was refused, or what is worth a look.")

    @classmethod
    def of(cls, one: list_file.LineReport) -> "RestrictedLine":
        """The type of the value."""
        return cls(number=one.number, name=one.name, outcome=one.outcome, code=one.code, message=one.message)


@strawberry.type
class RestrictedListPayload:
    """A list, or what was wrong."""

    restricted_list: RestrictedList | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class ImportRestrictedListPayload:
    """What became of a file."""

    restricted_list: RestrictedList | None = None
    is_stored: bool = False
    lines: list[RestrictedLine] = strawberry.field(default_factory=list)
    errors: list[UserError] = strawberry.field(default_factory=list)

    @classmethod
    def of(cls, one: ImportedList) -> "ImportRestrictedListPayload":
        """The type of the value."""
        return cls(
            restricted_list=RestrictedList.of(one.restricted_list),
            is_stored=one.is_stored,
            lines=[RestrictedLine.of(line) for line in one.lines],
        )


@strawberry.type
class ExportRestrictedListPayload:
    """A list as CSV."""

    csv: str | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)
