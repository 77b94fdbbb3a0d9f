"""Set-based SQL of halts and kill switches."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.ids import AccountId, HaltId, KillSwitchId, TenantId
from app.core.messages import AccountKey
from app.core.paging import Window, page_of
from app.core.trading_modes import HaltScope, HaltTarget, TradingMode
from app.infra.db import BatchSession
from app.risk.halts.domain import Halt, KillAccount, KillError, KillStep, KillSwitch

ACCOUNTS_MAX = 10_000

_COLUMN = {HaltScope.ACCOUNT: "account_id", HaltScope.STRATEGY: "strategy_id", HaltScope.INSTRUMENT: "instrument_id"}


async def put_in_line(session: BatchSession, tenant_id: TenantId) -> None:
    """Waits until no other transaction sets or releases halts of the tenant; held to the end of this one."""
    await session.execute("SELECT pg_advisory_xact_lock(hashtextextended('halts ' || $1::text, 0))", str(tenant_id))


async def insert_halt(session: BatchSession, tenant_id: TenantId, halt: Halt) -> None:
    """Stores a new halt."""
    await session.execute(
        """
        INSERT INTO trading_halts (tenant_id, id, scope, account_id, strategy_id, instrument_id, mode, reason,
          is_automatic, is_kill_switch, halted_by, halted_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        """,
        tenant_id,
        halt.id,
        *_target_values(halt.target),
        halt.mode.value,
        halt.reason,
        halt.is_automatic,
        halt.is_kill_switch,
        halt.halted_by,
        halt.halted_at,
    )


async def resume(session: BatchSession, tenant_id: TenantId, halt: Halt) -> None:
    """Stores who released the halt, when and why."""
    await session.execute(
        """
        UPDATE trading_halts SET resumed_by = $3, resumed_at = $4, resume_reason = $5
        WHERE tenant_id = $1 AND id = $2 AND resumed_at IS NULL
        """,
        tenant_id,
        halt.id,
        halt.resumed_by,
        halt.resumed_at,
        halt.resume_reason,
    )


async def halts_by_ids(session: BatchSession, tenant_id: TenantId, ids: Iterable[UUID]) -> dict[HaltId, Halt]:
    """The halts of these ids; absent if unknown."""
    rows = await session.fetch(
        "SELECT * FROM trading_halts WHERE tenant_id = $1 AND id = ANY($2::uuid[])", tenant_id, list(ids)
    )
    return {row["id"]: _halt(row) for row in rows}


async def in_force(session: BatchSession, tenant_id: TenantId) -> list[Halt]:
    """The halts that were not released, the oldest first."""
    rows = await session.fetch(
        "SELECT * FROM trading_halts WHERE tenant_id = $1 AND resumed_at IS NULL ORDER BY id", tenant_id
    )
    return [_halt(row) for row in rows]


async def halts_listed(
    session: BatchSession, tenant_id: TenantId, is_active: bool | None, before: datetime | None, limit: int
) -> list[Halt]:
    """Halts set before the instant, the newest first: those in force, those that were released, or all where is_active
    is None.
    """
    rows = await session.fetch(
        """
        SELECT * FROM trading_halts WHERE tenant_id = $1 AND ($2::bool IS NULL OR (resumed_at IS NULL) = $2)
          AND ($3::timestamptz IS NULL OR halted_at < $3)
        ORDER BY id DESC LIMIT $4
        """,
        tenant_id,
        is_active,
        before,
        limit,
    )
    return [_halt(row) for row in rows]


async def knows_target(session: BatchSession, tenant_id: TenantId, target: HaltTarget) -> bool:
    """True when the tenant has what the target names, and this session sees it."""
    table = {HaltScope.ACCOUNT: "broker_accounts", HaltScope.INSTRUMENT: "instruments"}.get(target.scope)
    if table is None:
        return target.scope is HaltScope.TENANT
    rows = await session.fetch(
        f"SELECT FROM {table} WHERE tenant_id = $1 AND id = $2",
        tenant_id,
        target.target_id,
    )
    return bool(rows)


async def accounts_of(session: BatchSession, tenant_id: TenantId, target: HaltTarget) -> list[AccountKey]:
    """The accounts that the target reaches: the one, or all of the tenant."""
    rows = await session.fetch(
        """
        SELECT id FROM broker_accounts WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id = $2) ORDER BY id LIMIT $3
        """,
        tenant_id,
        target.target_id if target.scope is HaltScope.ACCOUNT else None,
        ACCOUNTS_MAX,
    )
    return [AccountKey(tenant_id=tenant_id, account_id=row["id"]) for row in rows]


async def books_that_deal(session: BatchSession, tenant_id: TenantId, target: HaltTarget) -> list[AccountKey]:
    """The accounts whose books are locked by who accepts an order that the target covers: an adviser's, too."""
    rows = await session.fetch(
        """
        SELECT id FROM broker_accounts WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id = $2 OR id = (
          SELECT adviser_id FROM broker_accounts WHERE tenant_id = $1 AND id = $2)) ORDER BY id
        """,
        tenant_id,
        target.target_id if target.scope is HaltScope.ACCOUNT else None,
    )
    return [AccountKey(tenant_id=tenant_id, account_id=row["id"]) for row in rows]


async def insert_kill_switch(session: BatchSession, tenant_id: TenantId, kill: KillSwitch) -> None:
    """Stores a kill switch with its accounts, none of which was touched."""
    await session.execute(
        """
        INSERT INTO kill_switches (tenant_id, id, halt_id, scope, account_id, strategy_id, instrument_id, reason,
          closes_positions, is_drill, activated_by, activated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        """,
        tenant_id,
        kill.id,
        kill.halt_id,
        *_target_values(kill.target),
        kill.reason,
        kill.closes_positions,
        kill.is_drill,
        kill.activated_by,
        kill.activated_at,
    )
    await session.execute(
        """
        INSERT INTO kill_switch_accounts (tenant_id, kill_switch_id, account_id, step, order_ids, close_ids,
          positions_closing, attempts, errors)
        SELECT $1::uuid, $2::uuid, n.id, 'WAITING', '{}', '{}', 0, 0, '[]' FROM unnest($3::uuid[]) AS n(id)
        """,
        tenant_id,
        kill.id,
        [account.account_id for account in kill.accounts],
    )


async def set_barred(session: BatchSession, tenant_id: TenantId, kill_id: KillSwitchId, now: datetime) -> None:
    """Stores that nobody accepts an order any more without having seen the halt."""
    await session.execute(
        "UPDATE kill_switches SET barred_at = $3 WHERE tenant_id = $1 AND id = $2 AND barred_at IS NULL",
        tenant_id,
        kill_id,
        now,
    )


async def kill_switches_by_ids(
    session: BatchSession, tenant_id: TenantId, ids: Iterable[UUID]
) -> dict[KillSwitchId, KillSwitch]:
    """The kill switches of these ids with their accounts, as far as the session sees them; absent if unknown."""
    wanted = list(ids)
    rows = await session.fetch(
        "SELECT * FROM kill_switches WHERE tenant_id = $1 AND id = ANY($2::uuid[])", tenant_id, wanted
    )
    accounts: dict[UUID, list[KillAccount]] = {}
    for row in await session.fetch(
        f"{_ACCOUNTS} WHERE a.tenant_id = $1 AND a.kill_switch_id = ANY($2::uuid[]) ORDER BY a.account_id",
        tenant_id,
        wanted,
    ):
        accounts.setdefault(row["kill_switch_id"], []).append(_account(row))
    return {row["id"]: _kill_switch(row, accounts.get(row["id"], ())) for row in rows}


async def kill_switches_page(
    session: BatchSession, tenant_id: TenantId, window: Window[UUID]
) -> tuple[list[KillSwitchId], bool]:
    """The ids of kill switches, the newest first, and whether there are more."""
    order = "ASC" if window.is_from_end else "DESC"
    rows = await session.fetch(
        f"""
        SELECT id FROM kill_switches WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id < $2)
          AND ($3::uuid IS NULL OR id > $3) ORDER BY id {order} LIMIT $4
        """,
        tenant_id,
        window.after,
        window.before,
        window.size + 1,
    )
    page = page_of([row["id"] for row in rows], window)
    return list(page.items), page.has_more


async def kill_switches_count(session: BatchSession, tenant_id: TenantId) -> int:
    """How many kill switches there were."""
    rows = await session.fetch("SELECT count(*) AS n FROM kill_switches WHERE tenant_id = $1", tenant_id)
    return int(rows[0]["n"])


async def running_of(session: BatchSession, tenant_id: TenantId) -> list[KillSwitchId]:
    """The kill switches of the tenant that are not finished, the oldest first."""
    rows = await session.fetch(
        "SELECT id FROM kill_switches WHERE tenant_id = $1 AND finished_at IS NULL ORDER BY id", tenant_id
    )
    return [row["id"] for row in rows]


async def all_running(session: BatchSession, limit: int) -> list[tuple[TenantId, KillSwitchId]]:
    """The kill switches of all tenants that are not finished; the role must be SYSTEM."""
    rows = await session.fetch(
        "SELECT tenant_id, id FROM kill_switches WHERE finished_at IS NULL ORDER BY activated_at LIMIT $1", limit
    )
    return [(row["tenant_id"], row["id"]) for row in rows]


async def account_for_update(
    session: BatchSession, key: AccountKey, kill_id: KillSwitchId, *, waits: bool
) -> KillAccount | None:
    """What the kill switch does in the account, locked; None where another has it and this one does not wait."""
    rows = await session.fetch(
        f"""
        {_ACCOUNTS} WHERE a.tenant_id = $1 AND a.kill_switch_id = $2 AND a.account_id = $3
        FOR UPDATE OF a {"" if waits else "SKIP LOCKED"}
        """,
        key.tenant_id,
        kill_id,
        key.account_id,
    )
    return _account(rows[0]) if rows else None


async def store_account(
    session: BatchSession, tenant_id: TenantId, kill_id: KillSwitchId, account: KillAccount
) -> None:
    """Writes what the kill switch has done in the account."""
    await session.execute(
        """
        UPDATE kill_switch_accounts SET step = $4, order_ids = $5, close_ids = $6, positions_closing = $7,
          attempts = $8, errors = $9, started_at = $10, asked_at = $11, finished_at = $12
        WHERE tenant_id = $1 AND kill_switch_id = $2 AND account_id = $3
        """,
        tenant_id,
        kill_id,
        account.account_id,
        account.step.value,
        list(account.order_ids),
        list(account.close_ids),
        account.positions_closing,
        account.attempts,
        [
            {"code": one.code, "message": one.message, "subject": None if one.subject is None else str(one.subject)}
            for one in account.errors
        ],
        account.started_at,
        account.asked_at,
        account.finished_at,
    )


async def finish(session: BatchSession, tenant_id: TenantId, kill_id: KillSwitchId, now: datetime) -> bool:
    """Ends the kill switch when all its accounts are done; False where it is over already or some are not."""
    rows = await session.fetch(
        """
        UPDATE kill_switches AS k SET finished_at = $3 WHERE tenant_id = $1 AND id = $2 AND finished_at IS NULL
          AND barred_at IS NOT NULL
          AND NOT EXISTS (SELECT FROM kill_switch_accounts AS a
            WHERE a.tenant_id = $1 AND a.kill_switch_id = k.id AND a.step <> 'DONE') RETURNING 1
        """,
        tenant_id,
        kill_id,
        now,
    )
    return bool(rows)


_OPEN = "o.state NOT IN ('FILLED', 'CANCELED', 'EXPIRED', 'REJECTED')"
_ACCOUNTS = f"""
SELECT a.*,
  (SELECT count(*) FROM unnest(a.order_ids) AS w(id) CROSS JOIN LATERAL (
    SELECT FROM orders AS o WHERE o.tenant_id = a.tenant_id AND o.id = w.id AND {_OPEN} OFFSET 0) AS o) AS cancels_open,
  (SELECT count(*) FROM unnest(a.close_ids) AS w(id) CROSS JOIN LATERAL (
    SELECT FROM orders AS o WHERE o.tenant_id = a.tenant_id AND o.id = w.id AND {_OPEN} OFFSET 0) AS o) AS closes_open
FROM kill_switch_accounts AS a
"""


def _target_values(target: HaltTarget) -> tuple[str, UUID | None, UUID | None, UUID | None]:
    named = {_COLUMN[target.scope]: target.target_id} if target.scope in _COLUMN else {}
    return target.scope.value, named.get("account_id"), named.get("strategy_id"), named.get("instrument_id")


def _target(row: Mapping[str, Any]) -> HaltTarget:
    scope = HaltScope(row["scope"])
    return HaltTarget(scope=scope, target_id=row[_COLUMN[scope]] if scope in _COLUMN else None)


def _halt(row: Mapping[str, Any]) -> Halt:
    return Halt(
        id=row["id"],
        target=_target(row),
        mode=TradingMode(row["mode"]),
        reason=row["reason"],
        is_automatic=row["is_automatic"],
        is_kill_switch=row["is_kill_switch"],
        halted_by=row["halted_by"],
        halted_at=row["halted_at"],
        resumed_by=row["resumed_by"],
        resumed_at=row["resumed_at"],
        resume_reason=row["resume_reason"],
    )


def _kill_switch(row: Mapping[str, Any], accounts: Sequence[KillAccount]) -> KillSwitch:
    return KillSwitch(
        id=row["id"],
        target=_target(row),
        reason=row["reason"],
        closes_positions=row["closes_positions"],
        is_drill=row["is_drill"],
        halt_id=row["halt_id"],
        activated_by=row["activated_by"],
        activated_at=row["activated_at"],
        barred_at=row["barred_at"],
        finished_at=row["finished_at"],
        accounts=tuple(accounts),
    )


def _account(row: Mapping[str, Any]) -> KillAccount:
    is_over = row["step"] == KillStep.DONE.value
    return KillAccount(
        account_id=AccountId(row["account_id"]),
        step=KillStep(row["step"]),
        order_ids=tuple(row["order_ids"]),
        close_ids=tuple(row["close_ids"]),
        positions_closing=row["positions_closing"],
        attempts=row["attempts"],
        errors=tuple(
            KillError(
                code=one["code"],
                message=one["message"],
                subject=None if one["subject"] is None else UUID(one["subject"]),
            )
            for one in row["errors"]
        ),
        started_at=row["started_at"],
        asked_at=row["asked_at"],
        finished_at=row["finished_at"],
        cancels_open=0 if is_over else row["cancels_open"],
        closes_open=0 if is_over else row["closes_open"],
    )
