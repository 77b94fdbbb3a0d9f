"""The SQL of limits as people keep them: reading, changing, their versions, proposals and drills."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from app.core.fix import RiskLimitType
from app.core.ids import AccountId, InstrumentId, LimitId, ProposalId, TenantId
from app.core.paging import Page, Window, page_of
from app.infra.db import ReadSession, WriteSession
from app.infra.tables import metadata
from app.risk.domain import RiskLimit
from app.risk.keeping import models
from app.risk.keeping.domain.changes import (
    DrillOutcome,
    KeptLimit,
    LimitAction,
    LimitDrill,
    LimitProposal,
    LimitVersion,
    ProposalState,
)
from app.risk.models import RiskLimitRow

AnySession: TypeAlias = ReadSession | WriteSession
_LIMITS = metadata.tables[RiskLimitRow.__tablename__]
_VERSIONS = metadata.tables[models.RiskLimitVersionRow.__tablename__]
_PROPOSALS = metadata.tables[models.RiskLimitProposalRow.__tablename__]
_DRILLS = metadata.tables[models.RiskLimitDrillRow.__tablename__]
_DRILL_COLUMNS = tuple(
    _DRILLS.c[name].label(f"drill_{name}")
    for name in ("limit_version", "account_id", "outcome", "message", "drilled_by", "drilled_at")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitFilter:
    """Which limits: each condition that is given holds. account_id brings those of the tenant as a whole too."""

    account_id: AccountId | None = None
    instrument_id: InstrumentId | None = None
    limit_types: tuple[RiskLimitType, ...] | None = None
    is_active: bool | None = None
    is_shadow: bool | None = None


async def limit_for_update(session: WriteSession, tenant_id: TenantId, limit_id: LimitId) -> KeptLimit | None:
    """The limit, locked; None if the tenant has none of the id."""
    statement = select(_LIMITS).where(*_is(tenant_id, limit_id)).with_for_update()
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else _kept(row._mapping)


async def lock_limits(session: WriteSession, tenant_id: TenantId, limit_ids: Collection[LimitId]) -> None:
    """Locks those of the limits that there are, in the order of their ids: whoever changes several does so first."""
    wanted = select(_LIMITS.c.id).where(_LIMITS.c.tenant_id == tenant_id, _LIMITS.c.id.in_(limit_ids))
    await session.execute(wanted.order_by(_LIMITS.c.id).with_for_update())


async def limits_by_ids(session: AnySession, tenant_id: TenantId, limit_ids: Sequence[LimitId]) -> list[KeptLimit]:
    """The limits of these ids with their last drills, in the order of their ids; what is deleted is not there."""
    statement = _with_drills().where(
        _LIMITS.c.tenant_id == tenant_id, _LIMITS.c.id.in_(limit_ids), _LIMITS.c.deleted_at.is_(None)
    )
    return [_kept(row._mapping) for row in (await session.execute(statement.order_by(_LIMITS.c.id))).all()]


async def limits(session: AnySession, tenant_id: TenantId, wanted: LimitFilter, *, limit: int) -> list[KeptLimit]:
    """The limits with their last drills, the oldest first."""
    statement = _with_drills().where(*_filtered(tenant_id, wanted)).order_by(_LIMITS.c.id).limit(limit)
    return [_kept(row._mapping) for row in (await session.execute(statement)).all()]


async def limits_page(
    session: AnySession, tenant_id: TenantId, wanted: LimitFilter, window: Window[UUID]
) -> Page[KeptLimit]:
    """The limits of the window with their last drills, the newest first."""
    rows = await _window(session, _with_drills(), _filtered(tenant_id, wanted), _LIMITS.c.id, window)
    return page_of([_kept(row._mapping) for row in rows], window)


async def count_limits(session: AnySession, tenant_id: TenantId, wanted: LimitFilter) -> int:
    """How many limits there are."""
    statement = select(func.count()).select_from(_LIMITS).where(*_filtered(tenant_id, wanted))
    return int((await session.execute(statement)).scalar_one())


async def add_limit(session: WriteSession, tenant_id: TenantId, kept: KeptLimit) -> None:
    """Stores a new limit."""
    values = {"tenant_id": tenant_id, "created_by": kept.created_by, "created_at": kept.created_at}
    await session.execute(insert(_LIMITS).values(**values, **_values(kept.limit), updated_at=kept.updated_at))


async def store_limit(session: WriteSession, tenant_id: TenantId, limit: RiskLimit, *, now: datetime) -> None:
    """Writes a limit as it is to stand."""
    statement = update(_LIMITS).where(*_is(tenant_id, limit.id))
    await session.execute(statement.values(**_values(limit), updated_at=now))


async def delete_limit(session: WriteSession, tenant_id: TenantId, limit: RiskLimit, *, now: datetime) -> None:
    """Takes a limit away under a last version. The row stays, for orders and versions name it."""
    statement = update(_LIMITS).where(*_is(tenant_id, limit.id))
    await session.execute(statement.values(is_active=False, version=limit.version, deleted_at=now, updated_at=now))


async def add_version(session: WriteSession, tenant_id: TenantId, one: LimitVersion) -> None:
    """Appends a version."""
    told = one.after if one.after is not None else one.before
    account = None if told is None else told["accountId"]
    await session.execute(
        insert(_VERSIONS).values(
            tenant_id=tenant_id,
            limit_id=one.limit_id,
            version=one.version,
            account_id=None if account is None else UUID(account),
            action=one.action.value,
            before=one.before,
            after=one.after,
            changed_by=one.changed_by,
            approved_by=one.approved_by,
            proposal_id=one.proposal_id,
            reason=one.reason,
            recorded_at=one.recorded_at,
        )
    )


async def versions_page(
    session: AnySession, tenant_id: TenantId, limit_id: LimitId, window: Window[int]
) -> Page[LimitVersion]:
    """The versions of a limit, the newest first, of one that was deleted too."""
    conditions = [_VERSIONS.c.tenant_id == tenant_id, _VERSIONS.c.limit_id == limit_id]
    rows = await _window(session, select(_VERSIONS), conditions, _VERSIONS.c.version, window)
    return page_of([_version(row._mapping) for row in rows], window)


async def count_versions(session: AnySession, tenant_id: TenantId, limit_id: LimitId) -> int:
    """How many versions a limit has had."""
    statement = select(func.count()).select_from(_VERSIONS)
    statement = statement.where(_VERSIONS.c.tenant_id == tenant_id, _VERSIONS.c.limit_id == limit_id)
    return int((await session.execute(statement)).scalar_one())


async def add_proposal(session: WriteSession, tenant_id: TenantId, one: LimitProposal) -> None:
    """Stores a new proposal."""
    await session.execute(
        insert(_PROPOSALS).values(
            tenant_id=tenant_id,
            id=one.id,
            limit_id=one.limit_id,
            account_id=one.account_id,
            base_version=one.base_version,
            before=one.before,
            wanted=one.wanted,
            why=list(one.why),
            reason=one.reason,
            proposed_by=one.proposed_by,
            created_at=one.created_at,
            expires_at=one.expires_at,
            state=one.state.value,
        )
    )


async def proposal(session: AnySession, tenant_id: TenantId, proposal_id: ProposalId) -> LimitProposal | None:
    """The proposal; None if the tenant has none of the id."""
    statement = select(_PROPOSALS).where(_PROPOSALS.c.tenant_id == tenant_id, _PROPOSALS.c.id == proposal_id)
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else _proposal(row._mapping)


async def end_proposals(
    session: WriteSession,
    tenant_id: TenantId,
    proposal_ids: Sequence[ProposalId],
    state: ProposalState,
    *,
    by: str,
    reason: str | None,
    now: datetime,
) -> list[LimitProposal]:
    """Ends those of the proposals that still wait; what they have become."""
    statement = (
        update(_PROPOSALS)
        .where(
            _PROPOSALS.c.tenant_id == tenant_id,
            _PROPOSALS.c.id.in_(proposal_ids),
            _PROPOSALS.c.state == ProposalState.PENDING.value,
        )
        .values(state=state.value, decided_by=by, decided_at=now, decision_reason=reason)
        .returning(*_PROPOSALS.c)
    )
    return [_proposal(row._mapping) for row in (await session.execute(statement)).all()]


async def pending_of_limit(session: WriteSession, tenant_id: TenantId, limit_id: LimitId) -> list[ProposalId]:
    """The proposals on the limit that wait; the limit is locked."""
    statement = select(_PROPOSALS.c.id).where(
        _PROPOSALS.c.tenant_id == tenant_id,
        _PROPOSALS.c.limit_id == limit_id,
        _PROPOSALS.c.state == ProposalState.PENDING.value,
    )
    return [ProposalId(one) for one in (await session.execute(statement)).scalars()]


async def overdue_proposals(session: AnySession, tenant_id: TenantId, now: datetime, limit: int) -> list[ProposalId]:
    """Proposals that wait after their time."""
    statement = select(_PROPOSALS.c.id).where(
        _PROPOSALS.c.tenant_id == tenant_id,
        _PROPOSALS.c.state == ProposalState.PENDING.value,
        _PROPOSALS.c.expires_at <= now,
    )
    return [ProposalId(one) for one in (await session.execute(statement.limit(limit))).scalars()]


async def proposals_page(
    session: AnySession, tenant_id: TenantId, states: Sequence[ProposalState] | None, window: Window[UUID]
) -> Page[LimitProposal]:
    """The proposals of the window, the newest first."""
    rows = await _window(session, select(_PROPOSALS), _in_states(tenant_id, states), _PROPOSALS.c.id, window)
    return page_of([_proposal(row._mapping) for row in rows], window)


async def count_proposals(session: AnySession, tenant_id: TenantId, states: Sequence[ProposalState] | None) -> int:
    """How many proposals there are."""
    statement = select(func.count()).select_from(_PROPOSALS).where(*_in_states(tenant_id, states))
    return int((await session.execute(statement)).scalar_one())


async def store_drills(session: WriteSession, tenant_id: TenantId, drills: Sequence[LimitDrill]) -> None:
    """Keeps the last drill of each limit."""
    for one in drills:
        values = {
            "account_id": one.account_id,
            "limit_version": one.limit_version,
            "outcome": one.outcome.value,
            "message": one.message,
            "drilled_by": one.drilled_by,
            "drilled_at": one.drilled_at,
        }
        statement = upsert(_DRILLS).values(tenant_id=tenant_id, limit_id=one.limit_id, **values)
        await session.execute(statement.on_conflict_do_update(index_elements=["tenant_id", "limit_id"], set_=values))


def _is(tenant_id: TenantId, limit_id: LimitId) -> tuple[ColumnElement[bool], ...]:
    return _LIMITS.c.tenant_id == tenant_id, _LIMITS.c.id == limit_id, _LIMITS.c.deleted_at.is_(None)


def _with_drills() -> Any:
    of_limit = and_(_DRILLS.c.tenant_id == _LIMITS.c.tenant_id, _DRILLS.c.limit_id == _LIMITS.c.id)
    return select(*_LIMITS.c, *_DRILL_COLUMNS).select_from(_LIMITS.outerjoin(_DRILLS, of_limit))


def _filtered(tenant_id: TenantId, wanted: LimitFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [_LIMITS.c.tenant_id == tenant_id, _LIMITS.c.deleted_at.is_(None)]
    if wanted.account_id is not None:
        found.append(_LIMITS.c.account_id.is_(None) | (_LIMITS.c.account_id == wanted.account_id))
    if wanted.instrument_id is not None:
        found.append(_LIMITS.c.instrument_id.is_(None) | (_LIMITS.c.instrument_id == wanted.instrument_id))
    if wanted.limit_types is not None:
        found.append(_LIMITS.c.limit_type.in_([one.value for one in wanted.limit_types]))
    if wanted.is_active is not None:
        found.append(_LIMITS.c.is_active.is_(wanted.is_active))
    if wanted.is_shadow is not None:
        found.append(_LIMITS.c.is_shadow.is_(wanted.is_shadow))
    return found


def _in_states(tenant_id: TenantId, states: Sequence[ProposalState] | None) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [_PROPOSALS.c.tenant_id == tenant_id]
    if states is not None:
        found.append(_PROPOSALS.c.state.in_([one.value for one in states]))
    return found


async def _window(
    session: AnySession, statement: Any, conditions: Sequence[ColumnElement[bool]], key: Any, window: Window[Any]
) -> Sequence[Row[Any]]:
    statement = statement.where(*conditions)
    if window.after is not None:
        statement = statement.where(key < window.after)
    if window.before is not None:
        statement = statement.where(key > window.before)
    statement = statement.order_by(key if window.is_from_end else key.desc()).limit(window.size + 1)
    rows: Sequence[Row[Any]] = (await session.execute(statement)).all()
    return rows


def _values(limit: RiskLimit) -> dict[str, Any]:
    return {
        "id": limit.id,
        "limit_type": limit.limit_type.value,
        "value": limit.value,
        "currency": limit.currency,
        "conditions": limit.conditions,
        "account_id": limit.account_id,
        "strategy_id": limit.strategy_id,
        "instrument_id": limit.instrument_id,
        "is_active": limit.is_active,
        "is_shadow": limit.is_shadow,
        "warn_at": limit.warn_at,
        "effective_from": limit.effective_from,
        "effective_until": limit.effective_until,
        "version": limit.version,
    }


def _kept(row: Any) -> KeptLimit:
    limit = RiskLimit(
        id=row["id"],
        limit_type=RiskLimitType(row["limit_type"]),
        value=row["value"],
        currency=row["currency"],
        conditions=row["conditions"],
        account_id=row["account_id"],
        strategy_id=row["strategy_id"],
        instrument_id=row["instrument_id"],
        is_active=row["is_active"],
        is_shadow=row["is_shadow"],
        warn_at=row["warn_at"],
        effective_from=row["effective_from"],
        effective_until=row["effective_until"],
        version=row["version"],
    )
    drill = None
    if row.get("drill_outcome") is not None:
        drill = LimitDrill(
            limit_id=limit.id,
            limit_version=row["drill_limit_version"],
            account_id=row["drill_account_id"],
            outcome=DrillOutcome(row["drill_outcome"]),
            message=row["drill_message"],
            drilled_by=row["drill_drilled_by"],
            drilled_at=row["drill_drilled_at"],
        )
    return KeptLimit(
        limit=limit,
        created_by=row["created_by"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        last_drill=drill,
    )


def _version(row: Any) -> LimitVersion:
    return LimitVersion(
        limit_id=row["limit_id"],
        version=row["version"],
        action=LimitAction(row["action"]),
        before=row["before"],
        after=row["after"],
        changed_by=row["changed_by"],
        reason=row["reason"],
        recorded_at=row["recorded_at"],
        proposal_id=row["proposal_id"],
        approved_by=row["approved_by"],
    )


def _proposal(row: Any) -> LimitProposal:
    return LimitProposal(
        id=row["id"],
        limit_id=row["limit_id"],
        account_id=row["account_id"],
        base_version=row["base_version"],
        before=row["before"],
        wanted=row["wanted"],
        why=tuple(row["why"]),
        reason=row["reason"],
        proposed_by=row["proposed_by"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        state=ProposalState(row["state"]),
        decided_by=row["decided_by"],
        decided_at=row["decided_at"],
        decision_reason=row["decision_reason"],
    )
