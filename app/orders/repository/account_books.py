"""The books of accounts: the rows whose locks put writers in line."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.core.ids import AccountId, TenantId
from app.core.messages import AccountKey
from app.infra.db import BatchSession, Read, Write


@dataclass(slots=True, kw_only=True)
class Book:
    """An account's book as locked, counting on: where its event log stands and how many orders are open."""

    last_sequence: int
    open_orders: int


async def books_for_update(session: BatchSession, keys: Iterable[AccountKey]) -> dict[AccountKey, Book]:
    """Locks the books of the accounts in key order, so that no two writers wait for each other; absent if unknown."""
    wanted = list(keys)
    rows = await session.fetch(
        """
        SELECT tenant_id, account_id, last_sequence, open_orders FROM account_books
        WHERE (tenant_id, account_id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[]))
        ORDER BY tenant_id, account_id FOR UPDATE
        """,
        [key.tenant_id for key in wanted],
        [key.account_id for key in wanted],
    )
    return _books(rows)


def locking(keys: Iterable[AccountKey]) -> str:
    """The statement that locks the books of the accounts in key order, for the opening of a transaction."""
    pairs = ", ".join(f"('{key.tenant_id}', '{key.account_id}')" for key in keys)
    return (
        f"SELECT FROM account_books WHERE (tenant_id, account_id) IN ({pairs}) "
        "ORDER BY tenant_id, account_id FOR UPDATE"
    )


def locked_books(keys: Iterable[AccountKey]) -> Read[dict[AccountKey, Book]]:
    """The books of the accounts, which the transaction has locked; absent if unknown."""
    wanted = list(keys)
    return Read(
        sql="""
        ARRAY (SELECT b FROM account_books AS b
               WHERE (tenant_id, account_id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[])))
        """,
        parameters=([key.tenant_id for key in wanted], [key.account_id for key in wanted]),
        decode=_books,
    )


def _books(rows: Iterable[Any]) -> dict[AccountKey, Book]:
    return {
        AccountKey(tenant_id=row["tenant_id"], account_id=row["account_id"]): Book(
            last_sequence=row["last_sequence"], open_orders=row["open_orders"]
        )
        for row in rows
    }


def update_books(books: dict[AccountKey, Book]) -> Write:
    """Writes the books back."""
    return Write.of(
        """
        UPDATE account_books AS b SET last_sequence = n.last_sequence, open_orders = n.open_orders
        FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::int[])
          AS n(tenant_id, account_id, last_sequence, open_orders)
        WHERE b.tenant_id = n.tenant_id AND b.account_id = n.account_id
        """,
        [key.tenant_id for key in books],
        [key.account_id for key in books],
        [book.last_sequence for book in books.values()],
        [book.open_orders for book in books.values()],
    )


async def open_book(session: BatchSession, key: AccountKey) -> None:
    """Opens the book of a new account."""
    await session.execute(
        """
        INSERT INTO account_books (tenant_id, account_id, last_sequence, open_orders) VALUES ($1, $2, 0, 0)
        ON CONFLICT DO NOTHING
        """,
        key.tenant_id,
        key.account_id,
    )


async def book(session: BatchSession, key: AccountKey) -> Book | None:
    """The book of an account as it stands, not locked; None if unknown."""
    rows = await session.fetch(
        "SELECT last_sequence, open_orders FROM account_books WHERE tenant_id = $1 AND account_id = $2",
        key.tenant_id,
        key.account_id,
    )
    return Book(last_sequence=rows[0]["last_sequence"], open_orders=rows[0]["open_orders"]) if rows else None


async def last_sequences(session: BatchSession, tenant_id: TenantId) -> dict[AccountId, int]:
    """Where the event log of each account of the tenant ends."""
    rows = await session.fetch("SELECT account_id, last_sequence FROM account_books WHERE tenant_id = $1", tenant_id)
    return {row["account_id"]: row["last_sequence"] for row in rows}


async def ends_of(session: BatchSession, tenant_ids: Iterable[TenantId]) -> Mapping[TenantId, dict[AccountId, int]]:
    """Where the event log of each account of the tenants ends."""
    rows = await session.fetch(
        "SELECT tenant_id, account_id, last_sequence FROM account_books WHERE tenant_id = ANY($1::uuid[])",
        list(tenant_ids),
    )
    found: dict[TenantId, dict[AccountId, int]] = defaultdict(dict)
    for row in rows:
        found[row["tenant_id"]][row["account_id"]] = row["last_sequence"]
    return found
