"""All SQL that forgets a person of a tenant, and that gathers what is kept of one."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from app.core.ids import TenantId, UserId
from app.identity.repository import AnySession
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
    """
    UPDATE invitations AS i SET email = 'erased-' || replace(i.id::text, '-', '') || '@erased.invalid',
      revoked_at = CASE WHEN i.accepted_at IS NULL THEN coalesce(i.revoked_at, now()) ELSE i.revoked_at END
    FROM users AS u WHERE i.tenant_id = :tenant_id AND u.id = :user_id AND i.email = u.email
    """,
    "DELETE FROM two_factor_challenges WHERE tenant_id = :tenant_id AND user_id = :user_id",
)
_ERASE_PROFILE: Final = (
    """
    UPDATE users SET email = 'erased-' || replace(id::text, '-', '') || '@erased.invalid', password_hash = 'erased',
      first_name = :erased, last_name = :erased, phone_number = NULL, preferences = '{}', is_active = false,
      email_verified = false, two_factor_enabled = false
    WHERE id = :user_id
    """,
    """
    UPDATE registrations SET email = 'erased', password_hash = 'erased', tenant_name = :erased, first_name = :erased,
      last_name = :erased, finished_at = coalesce(finished_at, now())
    WHERE id = :user_id
    """,
    """
    UPDATE platform_sessions SET ip_address = '', user_agent = '', revoked_at = coalesce(revoked_at, now())
    WHERE user_id = :user_id
    """,
    "DELETE FROM person_tokens WHERE user_id = :user_id",
    "DELETE FROM password_history WHERE user_id = :user_id",
    "DELETE FROM recovery_codes WHERE user_id = :user_id",
    "DELETE FROM proof_failures WHERE user_id = :user_id",
    "DELETE FROM second_factors WHERE user_id = :user_id",
)
_OF_THE_PERSON: Final = {
    "registrations": "SELECT email, tenant_name, first_name, last_name, created_at, expires_at, finished_at "
    "FROM registrations WHERE id = :user_id",
    "person_tokens": "SELECT purpose, email, created_at, expires_at, used_at FROM person_tokens "
    "WHERE user_id = :user_id",
    "password_history": "SELECT set_at FROM password_history WHERE user_id = :user_id",
    "second_factors": "SELECT begun_at, confirmed_at FROM second_factors WHERE user_id = :user_id",
    "recovery_codes": "SELECT created_at, used_at FROM recovery_codes WHERE user_id = :user_id",
    "proof_failures": "SELECT failures, last_failed_at FROM proof_failures WHERE user_id = :user_id",
    "platform_sessions": "SELECT ip_address, user_agent, created_at, expires_at, revoked_at FROM platform_sessions "
    "WHERE user_id = :user_id",
    "invitations": "SELECT email, role, invited_by, created_at, expires_at, accepted_at, revoked_at FROM invitations "
    "WHERE tenant_id = :tenant_id AND email = (SELECT email FROM users WHERE id = :user_id)",
}


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
    """True when the person is a member elsewhere, suspended or not; the scope of the session is the person too."""
    found = await session.execute(
        text(
            "SELECT count(*) FROM memberships "
            "WHERE user_id = :user_id AND tenant_id <> :tenant_id AND removed_at IS NULL"
        ),
        {"tenant_id": tenant_id, "user_id": user_id},
    )
    return bool(found.scalar_one())


async def erase_profile(session: WriteSession, user_id: UserId) -> None:
    """Makes what is the person's own in all tenants tell nothing; the scope is the person, on the platform too."""
    for statement in _ERASE_PROFILE:
        given = {"user_id": user_id} | ({"erased": ERASED_NAME} if ":erased" in statement else {})
        await session.execute(text(statement), given)


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


async def rows_of_person(
    session: AnySession, tenant_id: TenantId, user_id: UserId
) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """What is the person's own in no tenant, and how they were invited, by table and without secrets.

    The scope of the session is the tenant and the person, on the platform too.
    """
    for table, statement in _OF_THE_PERSON.items():
        given = {"user_id": user_id} | ({"tenant_id": tenant_id} if ":tenant_id" in statement else {})
        for row in (await session.execute(text(statement), given)).mappings():
            yield table, dict(row)


async def api_key_ids(session: BatchSession, tenant_id: TenantId, user_id: UserId) -> list[UUID]:
    """The API keys that the person answers for."""
    rows = await session.fetch("SELECT id FROM api_keys WHERE tenant_id = $1 AND user_id = $2", tenant_id, user_id)
    return [row["id"] for row in rows]
