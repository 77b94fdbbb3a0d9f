"""Set-based SQL of identity for chores and for flows on locked books."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from app.core.ids import TenantId, UserId
from app.infra.db import BatchSession


async def delete_spent_tokens(session: BatchSession, tenant_id: TenantId, ended_before: datetime) -> int:
    """Deletes the refresh tokens of sessions that expired or were revoked before the instant; tells how many."""
    rows = await session.fetch(
        """
        DELETE FROM refresh_tokens WHERE tenant_id = $1 AND session_id IN (
          SELECT id FROM auth_sessions WHERE tenant_id = $1 AND least(expires_at, revoked_at) < $2)
        RETURNING 1
        """,
        tenant_id,
        ended_before,
    )
    return len(rows)


async def delete_expired_challenges(session: BatchSession, tenant_id: TenantId, now: datetime) -> int:
    """Deletes the challenges of logins that have run out by now; tells how many."""
    rows = await session.fetch(
        "DELETE FROM two_factor_challenges WHERE tenant_id = $1 AND expires_at <= $2 RETURNING 1", tenant_id, now
    )
    return len(rows)


async def people_with_second_factor(session: BatchSession, tenant_id: TenantId) -> list[UserId]:
    """The members of the tenant, past ones too, who have a second factor."""
    rows = await session.fetch(
        """
        SELECT u.id FROM memberships AS m JOIN users AS u ON u.id = m.user_id
        WHERE m.tenant_id = $1 AND u.two_factor_enabled ORDER BY u.id
        """,
        tenant_id,
    )
    return [row["id"] for row in rows]


async def people_behind(session: BatchSession, tenant_id: TenantId, actors: Iterable[str]) -> dict[str, UserId]:
    """Who stands behind actors: the person themselves, or the owner of the API key; absent where nobody does."""
    people: dict[str, UserId] = {}
    keys: dict[UUID, str] = {}
    for actor in actors:
        kind, _, id_text = actor.partition(":")
        if kind in ("user", "platform"):
            people[actor] = UserId(UUID(id_text))
        elif kind == "key":
            keys[UUID(id_text)] = actor
    if keys:
        rows = await session.fetch(
            "SELECT id, user_id FROM api_keys WHERE tenant_id = $1 AND id = ANY($2::uuid[])", tenant_id, list(keys)
        )
        people.update((keys[row["id"]], row["user_id"]) for row in rows)
    return people


async def addresses(session: BatchSession, user_ids: Sequence[UserId]) -> list[str]:
    """The e-mail addresses of these people, as far as they are active."""
    rows = await session.fetch(
        "SELECT email FROM users WHERE id = ANY($1::uuid[]) AND is_active ORDER BY email", list(user_ids)
    )
    return [row["email"] for row in rows]


async def people_with_scope(
    session: BatchSession, tenant_id: TenantId, roles: Iterable[str], scope: str, account_id: UUID | None
) -> list[UserId]:
    """The active members who hold the scope, by one of these roles or by a role of the tenant's own.

    Of those who are restricted to some accounts only who may trade on the account, none where it is None.
    """
    rows = await session.fetch(
        """
        SELECT m.user_id FROM memberships AS m JOIN users AS u ON u.id = m.user_id
        LEFT JOIN custom_roles AS c ON c.tenant_id = m.tenant_id AND c.id = m.custom_role_id
        WHERE m.tenant_id = $1 AND m.is_active AND m.removed_at IS NULL AND u.is_active
          AND CASE WHEN c.id IS NULL THEN m.role = ANY($2::text[]) ELSE $3 = ANY(c.scopes) END
          AND (NOT m.is_restricted OR EXISTS (SELECT FROM member_accounts AS a
            WHERE a.tenant_id = m.tenant_id AND a.user_id = m.user_id AND a.account_id = $4 AND a.may_trade))
        """,
        tenant_id,
        list(roles),
        scope,
        account_id,
    )
    return [row["user_id"] for row in rows]
