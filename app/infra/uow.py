"""The unit of work: one transaction that knows whose rows it may see."""

import contextlib
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.ids import AccountId, TenantId, UserId
from app.infra.db import GRANTED_ROLE, BatchSession, Database, DatabaseRole, ReadSession, WriteSession

ROLLBACK_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whose rows a transaction sees: a tenant's, and, before a tenant is chosen, those of a user or an e-mail.

    accounts are the broker accounts whose rows it sees; None for all that the tenant has. platform_user_id is somebody
    who asks as an administrator of the platform: all tenants are seen when the database knows them as one.
    """

    tenant_id: TenantId | None = None
    user_id: UserId | None = None
    email: str | None = None
    accounts: Collection[AccountId] | None = None
    platform_user_id: UserId | None = None


_SET_SCOPE = text(
    "SELECT set_config('app.tenant_id', :tenant_id, true), set_config('app.user_id', :user_id, true), "
    "set_config('app.email', :email, true), set_config('transaction_read_only', :read_only, true)"
)
_SET_PLATFORM = text("SELECT set_config('app.platform_user_id', :user_id, true)")
# The role goes last: under it, the walls between accounts stand.
_SET_ACCOUNTS = text("SELECT set_config('app.account_ids', :account_ids, true), set_config('role', :role, true)")


@asynccontextmanager
async def begin(database: Database, scope: Scope) -> AsyncIterator[WriteSession]:
    """One transaction: committed when the block ends, rolled back when it raises."""
    async with database.sessions.begin() as session:
        await _set_scope(session, scope, read_only=False)
        yield WriteSession(session)


async def rescope(session: WriteSession, scope: Scope) -> None:
    """From here on the transaction sees the rows of another scope: for what concerns one person in several tenants."""
    await _set_scope(session, scope, read_only=False)


@asynccontextmanager
async def reading(database: Database, scope: Scope) -> AsyncIterator[ReadSession]:
    """One transaction that reads; the database refuses a write in it."""
    async with database.sessions() as session:
        await _set_scope(session, scope, read_only=True)
        yield ReadSession(session)


@asynccontextmanager
async def begin_batch(
    database: Database,
    tenant_id: TenantId,
    *,
    accounts: Collection[AccountId] | None = None,
    is_durable: bool = True,
) -> AsyncIterator[BatchSession]:
    """One transaction of set-based statements for one tenant, opened in a single round trip.

    Of rows that belong to a broker account it sees and takes those of `accounts` alone; None for all of the tenant.
    What is not durable may be lost when the server crashes within the next moments; its commit does not wait.
    """
    async with _transaction(
        database, f"BEGIN; SET LOCAL app.tenant_id = '{tenant_id}'{_waiting(is_durable)}{_walls(accounts)}"
    ) as session:
        yield session


@asynccontextmanager
async def beyond_walls(session: BatchSession, *, is_walled: bool) -> AsyncIterator[None]:
    """Within the block the transaction sees all accounts of its tenant, for a decision that concerns the whole firm.

    Nothing of what is seen there may be told to who is restricted to some accounts. is_walled: the transaction began
    with `accounts`.
    """
    if not is_walled:
        yield
        return
    await session.execute(f"SET LOCAL ROLE {DatabaseRole.APP.value}")
    yield
    # Where the block raises, the transaction is over anyway.
    await session.execute(f"SET LOCAL ROLE {GRANTED_ROLE}")


@asynccontextmanager
async def begin_snapshot(
    database: Database, tenant_id: TenantId, *, accounts: Collection[AccountId] | None = None
) -> AsyncIterator[BatchSession]:
    """One transaction that reads the tenant's rows as they were at its first statement, whoever writes."""
    opening = (
        f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL app.tenant_id = '{tenant_id}'{_walls(accounts)}"
    )
    async with _transaction(database, opening) as session:
        yield session


@asynccontextmanager
async def begin_intake(
    database: Database, tenant_ids: Iterable[TenantId], *, lock: str | None = None
) -> AsyncIterator[BatchSession]:
    """One transaction of set-based statements for the tenants of a batch; the database must be of the role INTAKE.

    lock is a statement that goes with the opening, in the same round trip; what it locks is held from the start.
    """
    listed = ",".join(str(tenant_id) for tenant_id in tenant_ids)
    opening = f"BEGIN; SET LOCAL app.tenant_ids = '{{{listed}}}'"
    async with _transaction(database, opening if lock is None else f"{opening}; {lock}") as session:
        yield session


@asynccontextmanager
async def begin_system(database: Database) -> AsyncIterator[BatchSession]:
    """One transaction over the tables that a process reads for all tenants; the role must be SYSTEM."""
    async with _transaction(database, "BEGIN") as session:
        yield session


@asynccontextmanager
async def system_statements(database: Database) -> AsyncIterator[BatchSession]:
    """Statements on the same tables, each a transaction by itself and so in a single round trip."""
    async with database.acquire() as connection:
        yield BatchSession(connection)


def _walls(accounts: Collection[AccountId] | None) -> str:
    if accounts is None:
        return ""
    return f"; SET LOCAL app.account_ids = '{_listed(accounts)}'; SET LOCAL ROLE {GRANTED_ROLE}"


def _listed(accounts: Collection[AccountId]) -> str:
    return f"{{{','.join(str(one) for one in sorted(accounts))}}}"


async def _set_scope(session: AsyncSession, scope: Scope, *, read_only: bool) -> None:
    await session.execute(_SET_SCOPE, _settings(scope, read_only=read_only))
    if scope.platform_user_id is not None:
        await session.execute(_SET_PLATFORM, {"user_id": str(scope.platform_user_id)})
    if scope.accounts is not None:
        await session.execute(_SET_ACCOUNTS, {"account_ids": _listed(scope.accounts), "role": GRANTED_ROLE})


def _waiting(is_durable: bool) -> str:
    return "" if is_durable else "; SET LOCAL synchronous_commit = off"


@asynccontextmanager
async def _transaction(database: Database, opening: str) -> AsyncIterator[BatchSession]:
    async with database.acquire() as connection:
        try:
            await connection.execute(opening)
            yield BatchSession(connection)
        except BaseException:
            await _give_up(connection)
            raise
        # PostgreSQL answers COMMIT of a transaction that an error had aborted with ROLLBACK, and with no error.
        if await connection.execute("COMMIT") != "COMMIT":
            raise asyncpg.InFailedSQLTransactionError("the transaction was aborted before: nothing was committed")


async def _give_up(connection: asyncpg.Connection) -> None:
    # What led here is what the caller must see, above all a cancellation: a connection that cannot roll back is thrown
    # away, which rolls back too. One whose end was seen has left the pool already, and refuses every call.
    try:
        await connection.execute("ROLLBACK", timeout=ROLLBACK_TIMEOUT_S)
    except Exception:
        with contextlib.suppress(asyncpg.InterfaceError):
            connection.terminate()


def _settings(scope: Scope, *, read_only: bool) -> dict[str, str]:
    return {
        "tenant_id": str(scope.tenant_id) if scope.tenant_id else "",
        "user_id": str(scope.user_id) if scope.user_id else "",
        "email": scope.email or "",
        "read_only": "on" if read_only else "off",
    }
