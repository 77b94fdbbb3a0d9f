"""The SQL that tells who stands behind actors, of one tenant."""

from collections.abc import Collection, Mapping
from typing import Any

from app.core.ids import TenantId, UserId
from app.core.records import replace
from app.identity.domain.actors import NamedActor, PersonState, api_key_in, person_in, unnamed
from app.infra.db import BatchSession


async def named_actors(session: BatchSession, tenant_id: TenantId, actors: Collection[str]) -> dict[str, NamedActor]:
    """Each of the actors with who is behind it. Persons and keys of another tenant are UNKNOWN to this one.

    Who was erased in this tenant stays ERASED, even where another tenant knows them, or this one took them back.
    """
    found = {actor: unnamed(actor) for actor in actors}
    asked = [(actor, person_in(actor), api_key_in(actor)) for actor in found]
    asked = [one for one in asked if one[1] or one[2]]
    if asked:
        rows = await session.fetch(
            """
            SELECT n.actor, w.* FROM unnest($2::text[], $3::uuid[], $4::uuid[]) AS n (actor, user_id, key_id)
            CROSS JOIN LATERAL (
              SELECT k.name AS key_name, m.user_id, m.is_active, m.removed_at, coalesce(c.name, m.role) AS role,
                u.email, concat_ws(' ', nullif(u.first_name, ''), nullif(u.last_name, '')) AS name,
                u.email = 'erased-' || replace(u.id::text, '-', '') || '@erased.invalid' OR EXISTS (
                  SELECT FROM audit_person_keys AS e WHERE e.tenant_id = $1 AND e.subject = 'user:' || m.user_id
                    AND length(e.wrapped) = 0) AS is_erased
              FROM memberships AS m JOIN users AS u ON u.id = m.user_id
              LEFT JOIN api_keys AS k ON k.tenant_id = m.tenant_id AND k.id = n.key_id
              LEFT JOIN custom_roles AS c ON c.tenant_id = m.tenant_id AND c.id = m.custom_role_id
              WHERE m.tenant_id = $1 AND m.user_id = coalesce(n.user_id,
                (SELECT o.user_id FROM api_keys AS o WHERE o.tenant_id = $1 AND o.id = n.key_id))
              OFFSET 0) AS w
            """,
            tenant_id,
            [actor for actor, _, _ in asked],
            [person for _, person, _ in asked],
            [key for _, _, key in asked],
        )
        found |= {row["actor"]: _named(found[row["actor"]], row) for row in rows}
    return found


def _named(actor: NamedActor, row: Mapping[str, Any]) -> NamedActor:
    person_id = UserId(row["user_id"])
    if row["is_erased"]:
        return replace(actor, person_id=person_id, person_state=PersonState.ERASED)
    state = PersonState.MEMBER if row["is_active"] else PersonState.SUSPENDED
    if row["removed_at"] is not None:
        state = PersonState.FORMER
    return replace(
        actor,
        api_key_name=row["key_name"],
        person_id=person_id,
        person_state=state,
        person_name=row["name"],
        person_email=row["email"],
        person_role=None if state is PersonState.FORMER else row["role"],
    )
