"""All SQL that forgets a person of a tenant, and that gathers what is kept of one."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from app.core.ids import TenantId, UserId
from app.infra.db import BatchSession, WriteSession

ERASED_NAME: Final = "[erased]"
ROWS_MAX: Final = 100_000
_SECRET: Final = ("hash", "secret", "token", "wrapped", "sealed", "cipher")
_END_ACCESS: Final = (
    "UPDATE memberships SET is_active = false WHERE tenant_id = :tenant_id AND user_id = :user_id",
    """
    DELETE FROM refresh_tokens AS r USING auth_sessions AS s
    WHERE r.tenant_id = :tenant_id AND s.tenant_id = :tenant_id AND s.user_id = :user_id AND r.session_id = s.id
    """,
    """
    UPDATE auth_sessions SET ip_address = '', user_agent = '', revoked_at = coalesce(revoked_at, now()),
      revoked_reason = coalesce(revoked_reason, 'person erased')
    WHERE tenant_id = :tenant_id AND user_id = :user_id
    """,
    """
    UPDATE api_keys SET name = :erased, ip_allowlist = '{}', revoked_at = coalesce(revoked_at, now())
    WHERE tenant_id = :tenant_id AND user_id = :user_id
    """,
)
_ERASE_PROFILE: Final = """
UPDATE users SET email = 'erased-' || replace(id::text, '-', '') || '@erased.invalid', password_hash = 'erased',
  first_name = :erased, last_name = :erased, phone_number = NULL, preferences = '{}', is_active = false,
  email_verified = false, two_factor_enabled = false
WHERE id = :user_id
"""


async def email_of_member(session: BatchSession, tenant_id: TenantId, user_id: UserId) -> str | None:
    """The address of a person of the tenant; None for others."""
    rows = await session.fetch(
        """
        SELECT u.email FROM memberships AS m JOIN users AS u ON u.id = m.user_id
        WHERE m.tenant_id = $1 AND m.user_id = $2
        """,
        tenant_id,
        user_id,
    )
    return str(rows[0]["email"]) if rows else None


async def end_access(session: WriteSession, tenant_id: TenantId, user_id: UserId) -> None:
    """Ends what the person may in the tenant, and blanks what tells of them there."""
    values = {"tenant_id": tenant_id, "user_id": user_id}
    for statement in _END_ACCESS:
        given = values | ({"erased": ERASED_NAME} if ":erased" in statement else {})
        await session.execute(text(statement), given)


async def has_other_tenants(session: WriteSession, tenant_id: TenantId, user_id: UserId) -> bool:
    """True when the person is an active member elsewhere; the scope of the session is the person too."""
    found = await session.execute(
        text("SELECT count(*) FROM memberships WHERE user_id = :user_id AND tenant_id <> :tenant_id AND is_active"),
        {"tenant_id": tenant_id, "user_id": user_id},
    )
    return bool(found.scalar_one())


async def erase_profile(session: WriteSession, user_id: UserId) -> None:
    """Makes the person's row tell nothing; the scope of the session is the person too."""
    await session.execute(text(_ERASE_PROFILE), {"user_id": user_id, "erased": ERASED_NAME})


async def tables_about_people(session: BatchSession) -> list[tuple[str, str, list[str]]]:
    """Tables of a tenant that name a person, with the column that does and the columns that are told to them.

    Read from the catalogue, so that a new table is not forgotten. Hashes and sealed secrets are not told.
    """
    rows = await session.fetch(
        """
        SELECT c.table_name::text AS table, array_agg(c.column_name::text ORDER BY c.ordinal_position) AS columns
        FROM information_schema.columns AS c
        WHERE c.table_schema = 'public' GROUP BY 1 HAVING 'tenant_id' = ANY(array_agg(c.column_name::text)) ORDER BY 1
        """
    )
    found = []
    for row in rows:
        columns = [name for name in row["columns"] if not any(part in name for part in _SECRET)]
        naming = [name for name in columns if name in ("user_id", "actor") or name.endswith("_by")]
        if naming and not row["table"].startswith("audit_"):
            found.append((row["table"], "user_id" if "user_id" in naming else naming[0], columns))
    return found


async def rows_about(
    session: BatchSession,
    tenant_id: TenantId,
    table: tuple[str, str, list[str]],
    user_id: UserId,
    actors: Sequence[str],
) -> list[dict[str, Any]]:
    """The rows of a table that name the person; table as tables_about_people() told it."""
    name, naming, columns = table
    listed = ", ".join(f'"{column}"' for column in columns)
    condition, value = (
        ('"user_id" = $2::uuid', user_id)
        if naming == "user_id"
        else (
            f'"{naming}" = ANY($2::text[])',
            list(actors),
        )
    )
    rows = await session.fetch(
        f'SELECT {listed} FROM "{name}" WHERE tenant_id = $1 AND {condition} LIMIT {ROWS_MAX}',
        tenant_id,
        value,
    )
    return [dict(row) for row in rows]


async def profile(session: BatchSession, user_id: UserId) -> dict[str, Any] | None:
    """The person's own row without the hash of the password; None for one whom the tenant does not know."""
    rows = await session.fetch("SELECT to_jsonb(u) - 'password_hash' AS profile FROM users AS u WHERE id = $1", user_id)
    return dict(rows[0]["profile"]) if rows else None


async def api_key_ids(session: BatchSession, tenant_id: TenantId, user_id: UserId) -> list[UUID]:
    """The API keys that the person answers for."""
    rows = await session.fetch("SELECT id FROM api_keys WHERE tenant_id = $1 AND user_id = $2", tenant_id, user_id)
    return [row["id"] for row in rows]
