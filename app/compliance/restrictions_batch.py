"""Restrictions for the hot paths: read along with the other facts of an order, told in the same transaction."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.compliance.domain.restrictions import (
    AlertOutcome,
    RestrictedAct,
    Restriction,
    RestrictionAlert,
    RestrictionKind,
    symbols_of,
)
from app.core.ids import InstrumentId, ListEntryId, RestrictedListId, TenantId
from app.core.messages import Instrument
from app.core.paging import Page, Window, page_of
from app.infra.db import BatchSession, Read, Write

Restrictions = Mapping[TenantId, Sequence[Restriction]]


def restrictions_of(wanted: Iterable[tuple[TenantId, Instrument]]) -> Read[dict[TenantId, list[Restriction]]]:
    """The entries of active lists that name one of the instruments, by tenant, in force or not."""
    pairs = {(tenant_id, one.id): one for tenant_id, one in wanted}
    names = {(tenant_id, symbol) for (tenant_id, _), one in pairs.items() for symbol in symbols_of(one)}
    tenants = {tenant_id for tenant_id, _ in pairs}
    # Most tenants have no such list: then this is one look into an empty index.
    return Read(
        sql="""
        CASE WHEN EXISTS (SELECT FROM restricted_lists WHERE tenant_id = ANY($1::uuid[])) THEN (
          SELECT jsonb_agg(to_jsonb(e) || jsonb_build_object('is_reason_visible', l.is_reason_visible)
                           ORDER BY e.tenant_id, e.id)
          FROM (
            SELECT f.* FROM unnest($2::uuid[], $3::uuid[]) AS w(tenant_id, id) CROSS JOIN LATERAL (
              SELECT * FROM restricted_entries WHERE tenant_id = w.tenant_id AND instrument_id = w.id
                AND instrument_id IS NOT NULL AND removed_in IS NULL OFFSET 0) AS f
            UNION ALL
            SELECT f.* FROM unnest($4::uuid[], $5::text[]) AS w(tenant_id, symbol) CROSS JOIN LATERAL (
              SELECT * FROM restricted_entries WHERE tenant_id = w.tenant_id AND symbol = w.symbol
                AND symbol IS NOT NULL AND removed_in IS NULL OFFSET 0) AS f) AS e
          CROSS JOIN LATERAL (
            SELECT is_reason_visible FROM restricted_lists
            WHERE tenant_id = e.tenant_id AND id = e.list_id AND is_active OFFSET 0) AS l)
        END
        """,
        parameters=(
            list(tenants),
            [tenant_id for tenant_id, _ in pairs],
            [instrument_id for _, instrument_id in pairs],
            [tenant_id for tenant_id, _ in names],
            [symbol for _, symbol in names],
        ),
        decode=_restrictions,
    )


def _restrictions(documents: list[dict[str, Any]] | None) -> dict[TenantId, list[Restriction]]:
    found: dict[TenantId, list[Restriction]] = {}
    for one in documents or ():
        instrument = one["instrument_id"]
        restriction = Restriction(
            list_id=RestrictedListId(UUID(one["list_id"])),
            entry_id=ListEntryId(UUID(one["id"])),
            kind=RestrictionKind(one["kind"]),
            reason=one["reason"],
            is_reason_visible=one["is_reason_visible"],
            instrument_id=None if instrument is None else InstrumentId(UUID(instrument)),
            symbol=one["symbol"],
            valid_from=_time(one["valid_from"]),
            valid_until=_time(one["valid_until"]),
        )
        found.setdefault(TenantId(UUID(one["tenant_id"])), []).append(restriction)
    return found


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def insert_alerts(alerts: Sequence[RestrictionAlert]) -> Write:
    """Writes down what touched restricted names."""
    return Write.of(
        """
        INSERT INTO restriction_alerts (tenant_id, id, act, outcome, kind, list_id, entry_id, order_id, account_id,
          instrument_id, acted_by, created_at)
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::uuid[],
          $8::uuid[], $9::uuid[], $10::uuid[], $11::text[], $12::timestamptz[])
        """,
        [one.tenant_id for one in alerts],
        [one.id for one in alerts],
        [one.act.value for one in alerts],
        [one.outcome.value for one in alerts],
        [one.kind.value for one in alerts],
        [one.list_id for one in alerts],
        [one.entry_id for one in alerts],
        [one.order_id for one in alerts],
        [one.account_id for one in alerts],
        [one.instrument_id for one in alerts],
        [one.acted_by for one in alerts],
        [one.created_at for one in alerts],
    )


async def alerts_page(session: BatchSession, tenant_id: TenantId, window: Window[UUID]) -> Page[RestrictionAlert]:
    """The touches of the window, the newest first."""
    order = "ASC" if window.is_from_end else "DESC"
    rows = await session.fetch(
        f"""
        SELECT * FROM restriction_alerts WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id < $2)
          AND ($3::uuid IS NULL OR id > $3)
        ORDER BY id {order} LIMIT $4
        """,
        tenant_id,
        window.after,
        window.before,
        window.size + 1,
    )
    return page_of([_alert(row) for row in rows], window)


async def alerts_by_id(session: BatchSession, tenant_id: TenantId, ids: Sequence[UUID]) -> list[RestrictionAlert]:
    """The touches of these ids, the oldest first."""
    rows = await session.fetch(
        "SELECT * FROM restriction_alerts WHERE tenant_id = $1 AND id = ANY($2::uuid[]) ORDER BY id", tenant_id, ids
    )
    return [_alert(row) for row in rows]


async def count_alerts(session: BatchSession, tenant_id: TenantId) -> int:
    """How many touches the tenant has."""
    rows = await session.fetch("SELECT count(*) AS n FROM restriction_alerts WHERE tenant_id = $1", tenant_id)
    return int(rows[0]["n"])


def _alert(row: Mapping[str, Any]) -> RestrictionAlert:
    return RestrictionAlert(
        tenant_id=row["tenant_id"],
        id=row["id"],
        act=RestrictedAct(row["act"]),
        outcome=AlertOutcome(row["outcome"]),
        kind=RestrictionKind(row["kind"]),
        list_id=row["list_id"],
        entry_id=row["entry_id"],
        order_id=row["order_id"],
        account_id=row["account_id"],
        instrument_id=row["instrument_id"],
        acted_by=row["acted_by"],
        created_at=row["created_at"],
    )
