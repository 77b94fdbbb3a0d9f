"""Queries of the audit log."""

from datetime import datetime

import strawberry

from app.audit.reading_batch import COUNTED_MAX, LOOKED_THROUGH_MAX, AuditFilter
from app.core.errors import InputError
from app.flows.audit.keep_retention import audit_retention
from app.flows.audit.read_audit import count_audit, search_audit
from app.flows.audit.verify_audit import ENTRIES_MAX, verify_own_audit
from app.identity.domain import Scope
from schema.audit.types import AUDIT_CURSORS, AuditEntryConnection, AuditRetention, AuditVerification
from schema.base.context import Info
from schema.base.ids import storable
from schema.base.pagination import window_of
from schema.base.permissions import scoped

TEXT_LENGTH_MAX = 200


@strawberry.type
class AuditQuery:
    """Queries of the audit log."""

    @strawberry.field(
        description="What was done, the newest first; all conditions hold. An act shows up once it is sealed, which "
        f"takes about a second. text is looked for in action, resource and values, whatever its case, in "
        f"{LOOKED_THROUGH_MAX} entries at a time; what is personal is not looked through. totalCount counts up to "
        f"{COUNTED_MAX}.",
        extensions=scoped(Scope.VIEW_AUDIT),
    )
    async def audit_log(
        self,
        info: Info,
        action: str | None = None,
        resource_type: str | None = None,
        resource_id: strawberry.ID | None = None,
        actor: str | None = None,
        request_id: str | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        text: str | None = None,
        after: str | None = None,
        first: int | None = 50,
        last: int | None = None,
        before: str | None = None,
    ) -> AuditEntryConnection:
        """A page of entries."""
        given = {"action": action, "resourceType": resource_type, "resourceId": resource_id, "actor": actor}
        for name, value in {**given, "requestId": request_id, "text": text}.items():
            _check_text(value, name)
        wanted = AuditFilter(
            actor=actor,
            action=action,
            resource_type=resource_type,
            resource_id=resource_id,
            request_id=request_id,
            created_after=created_after,
            created_before=created_before,
            text=text or None,
        )
        window = window_of(first=first, after=after, last=last, before=before, read=_sequence)
        desk, principal = info.context.desk, info.context.principal

        async def count() -> int:
            return await count_audit(desk.database, principal, wanted)

        found = await search_audit(desk.database, desk.vault, principal, wanted, window)
        return AuditEntryConnection.of(found, window, count)

    @strawberry.field(
        description="Holds entries against their hashes and against the signed heads, from fromSequence on or from the "
        f"begin of the log, at most {ENTRIES_MAX} in one question: isComplete tells whether that was all. The heads in "
        "the sink outside are held against the log by `oms audit verify`.",
        extensions=scoped(Scope.VIEW_AUDIT),
    )
    async def verify_audit_log(self, info: Info, from_sequence: int | None = None) -> AuditVerification:
        """A look at the chain."""
        if from_sequence is not None and from_sequence < 1:
            raise InputError("Entries count from 1.", path=["fromSequence"])
        verdict = await verify_own_audit(info.context.desk, info.context.principal, from_sequence)
        return AuditVerification.of(verdict)

    @strawberry.field(description="How long the tenant keeps its audit log.", extensions=scoped(Scope.VIEW_AUDIT))
    async def audit_retention(self, info: Info) -> AuditRetention:
        """The rule of retention."""
        return AuditRetention.of(await audit_retention(info.context.desk, info.context.principal))


def _sequence(cursor: str, path: str) -> int:
    text = AUDIT_CURSORS.read(cursor, path)
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise InputError("This is not a cursor of this list.", path=[path])
    return int(text)


def _check_text(value: str | None, name: str) -> None:
    if value is not None:
        storable(value, name)
        if len(value) > TEXT_LENGTH_MAX:
            raise InputError(f"At most {TEXT_LENGTH_MAX} characters.", path=[name])
