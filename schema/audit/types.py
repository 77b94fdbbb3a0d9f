"""The GraphQL types of the audit log, and its pages."""

from datetime import datetime
from typing import Final

import strawberry
from strawberry.scalars import JSON

from app.audit.domain import Break as BreakValue
from app.audit.domain import BreakKind, Retention
from app.core.paging import Window
from app.flows.audit.read_audit import AuditEntryView, AuditPage
from app.flows.audit.verify_audit import AuditVerdict
from schema.base.errors import UserError
from schema.base.node import Node
from schema.base.pagination import Count, Counted, Cursors, page_info

AUDIT_CURSORS: Final = Cursors("audit")
strawberry.enum(BreakKind, name="AuditBreakKind", description="How the chain is broken at a place.")


@strawberry.type(
    description="One act, at its place in the tenant's hash chain. What was personal and has been erased reads "
    "[erased]; the hash holds all the same."
)
class AuditEntry(Node):
    """A sealed entry."""

    sequence: int = strawberry.field(description="Its place in the chain, from 1 on without a gap.")
    actor: str = strawberry.field(
        description="user:<id>, key:<id> of an API key, system:<name> of a process, or anonymous."
    )
    action: str
    resource_type: str
    resource_id: str | None
    old_values: JSON | None
    new_values: JSON | None
    ip_address: str | None
    request_id: str | None = strawberry.field(description="As in the answer's x-request-id.")
    hash: str = strawberry.field(description="SHA-256 in hex, over this entry and the hash before it.")
    created_at: datetime

    @classmethod
    def of(cls, one: AuditEntryView) -> "AuditEntry":
        """The type of the value."""
        return cls(
            id=strawberry.ID(str(one.id)),
            sequence=one.sequence,
            actor=one.actor,
            action=one.action,
            resource_type=one.resource_type,
            resource_id=one.resource_id,
            old_values=one.old_values,
            new_values=one.new_values,
            ip_address=one.ip_address,
            request_id=one.request_id,
            hash=one.hash.hex(),
            created_at=one.created_at,
        )


@strawberry.type
class AuditEntryEdge:
    """An entry at its place in a list."""

    cursor: str
    node: AuditEntry


@strawberry.type(
    description="Entries, the newest first. A search for a text that stopped before the end of the log has a next "
    "page, which may follow a page of few edges or none: endCursor tells where to go on."
)
class AuditEntryConnection(Counted):
    """A page of entries."""

    edges: list[AuditEntryEdge]

    @classmethod
    def of(cls, found: AuditPage, window: Window[int], count: Count) -> "AuditEntryConnection":
        """The page with its cursors."""
        edges = [
            AuditEntryEdge(cursor=AUDIT_CURSORS.write(str(one.sequence)), node=AuditEntry.of(one))
            for one in found.page.items
        ]
        told = page_info(found.page, window, [edge.cursor for edge in edges])
        if found.looked_to is not None:
            cursor = AUDIT_CURSORS.write(str(found.looked_to))
            if window.is_from_end:
                told.has_previous_page, told.start_cursor = True, cursor
            else:
                told.has_next_page, told.end_cursor = True, cursor
        return cls(edges=edges, page_info=told, count=count)


@strawberry.type(description="Where a chain is broken: at an entry, or somewhere between two.")
class AuditBreak:
    """A break of the chain."""

    kind: BreakKind
    from_sequence: int
    to_sequence: int

    @classmethod
    def of(cls, one: BreakValue) -> "AuditBreak":
        """The type of the value."""
        return cls(kind=one.kind, from_sequence=one.sequence, to_sequence=one.until)


@strawberry.type(description="What a look at the chain found.")
class AuditVerification:
    """What a look at the chain found."""

    entries: int = strawberry.field(description="How many entries were held against their hashes.")
    is_intact: bool
    first_broken_sequence: int | None
    from_sequence: int = strawberry.field(
        description="Where the look began; entries before the log's begin are pruned."
    )
    to_sequence: int = strawberry.field(description="The last entry that it reached.")
    is_complete: bool = strawberry.field(
        description="True when that is the end of the log; else ask again from toSequence + 1."
    )
    signed_heads: int = strawberry.field(description="How many signed heads the entries agree or disagree with.")
    unverified_heads: int = strawberry.field(description="Heads whose signature does not hold, or of an unknown key.")
    breaks: list[AuditBreak]

    @classmethod
    def of(cls, verdict: AuditVerdict) -> "AuditVerification":
        """The type of the value."""
        found = verdict.verification
        return cls(
            entries=found.entries,
            is_intact=found.is_intact,
            first_broken_sequence=found.first_broken_sequence,
            from_sequence=verdict.since,
            to_sequence=verdict.through,
            is_complete=verdict.is_complete,
            signed_heads=verdict.heads,
            unverified_heads=verdict.unreadable_heads,
            breaks=[AuditBreak.of(one) for one in found.breaks],
        )


@strawberry.type(description="How long the tenant keeps its audit log.")
class AuditRetention:
    """How long the log is kept."""

    keep_days: int | None = strawberry.field(description="Null: nothing is ever pruned.")
    set_by: str | None
    set_at: datetime | None

    @classmethod
    def of(cls, rule: Retention | None) -> "AuditRetention":
        """The type of the value."""
        if rule is None:
            return cls(keep_days=None, set_by=None, set_at=None)
        return cls(keep_days=rule.keep_days, set_by=rule.set_by, set_at=rule.set_at)


@strawberry.type
class AuditRetentionPayload:
    """The rule as it is now."""

    retention: AuditRetention | None
    errors: list[UserError]


@strawberry.type(description="What became of what told of the person.")
class ErasePersonPayload:
    """What was erased."""

    erased_keys: int = strawberry.field(
        description="Keys of the person's values in the audit log that were destroyed: those values are unreadable now."
    )
    erased_profile: bool = strawberry.field(
        description="True when the profile was erased too; it stays while the person belongs to another tenant."
    )
    errors: list[UserError]
