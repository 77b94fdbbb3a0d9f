"""SQL of errands as the worker takes them, under the role SYSTEM."""

from datetime import datetime
from uuid import UUID

from app.errands.domain import KEPT_AFTER_END, LEASE, Errand, ErrandCount, ErrandKind, ErrandState
from app.infra.db import BatchSession


async def claim(session: BatchSession, *, now: datetime, limit: int) -> list[Errand]:
    """Errands that are due, the longest due first, for this worker alone until LEASE has passed."""
    rows = await session.fetch(
        """
        UPDATE errands SET attempts = attempts + 1, due_at = $1::timestamptz + $3::interval
        WHERE id IN (SELECT id FROM errands WHERE state = 'WAITING' AND due_at <= $1
                     ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED)
        RETURNING id, kind, recipient, sealed, wrapped_key, master_version, attempts, created_at, expires_at
        """,
        now,
        limit,
        LEASE,
    )
    claimed = [Errand(**(dict(row) | {"kind": ErrandKind(row["kind"])})) for row in rows]
    return sorted(claimed, key=lambda errand: errand.id)


async def finish(session: BatchSession, errand_id: UUID, *, now: datetime) -> None:
    """Notes that the errand is done; what it was about goes."""
    await session.execute(_END, errand_id, ErrandState.DONE.value, now, None)


async def give_up(session: BatchSession, errand_id: UUID, *, now: datetime, error: str) -> None:
    """Notes that nobody tries the errand again; what it was about goes."""
    await session.execute(_END, errand_id, ErrandState.GIVEN_UP.value, now, error)


async def put_off(session: BatchSession, errand_id: UUID, *, due_at: datetime, error: str) -> None:
    """Notes why the errand failed and when it is tried again."""
    await session.execute(
        "UPDATE errands SET due_at = $2, last_error = $3 WHERE id = $1 AND state = 'WAITING'", errand_id, due_at, error
    )


async def prune(session: BatchSession, now: datetime) -> int:
    """Deletes the errands that ended some days ago; how many."""
    rows = await session.fetch(
        "DELETE FROM errands WHERE state <> 'WAITING' AND ended_at < $1 RETURNING 1", now - KEPT_AFTER_END
    )
    return len(rows)


async def counts(session: BatchSession) -> list[ErrandCount]:
    """How many there are of each kind in each state."""
    rows = await session.fetch(
        """
        SELECT kind, state, count(*) AS count, min(created_at) AS oldest_at,
               (array_agg(last_error ORDER BY due_at DESC) FILTER (WHERE last_error IS NOT NULL))[1] AS last_error
        FROM errands GROUP BY kind, state ORDER BY kind, state
        """
    )
    return [
        ErrandCount(**(dict(row) | {"kind": ErrandKind(row["kind"]), "state": ErrandState(row["state"])}))
        for row in rows
    ]


_END = """
UPDATE errands SET state = $2, ended_at = $3, last_error = coalesce($4, last_error), sealed = NULL, wrapped_key = NULL
WHERE id = $1 AND state = 'WAITING'
"""
