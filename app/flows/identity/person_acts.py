"""What concerns a person in all their tenants, within one transaction: sessions end, and each tenant's log tells."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from app.audit import service as audit
from app.core.ids import SessionId, UserId
from app.flows.identity.door import Door
from app.identity import platform_repository
from app.identity.accounts import repository as accounts
from app.identity.accounts.errors import PasswordWrongError
from app.identity.domain import Client, Membership, Principal, User
from app.identity.errors import NotASessionError
from app.infra.db import WriteSession
from app.infra.uow import Scope, reading, rescope

UNKNOWN_PLACE: Final = "unknown"


def person_of(principal: Principal) -> UserId:
    """The person who asks. Raises NotASessionError for an API key."""
    if principal.user_id is None:
        raise NotASessionError("An API key is no person; sign in for that.")
    return principal.user_id


async def user_and_hash(door: Door, user_id: UserId) -> tuple[User, str]:
    """The person with the hash of the present password. Raises NotFoundError."""
    async with reading(door.database, Scope(user_id=user_id)) as session:
        user = await door.identity.user(session, user_id)
        found = await accounts.password_hash(session, user_id)
    assert found is not None, "the row was read in the same transaction"
    return user, found[0]


async def check_present_password(door: Door, stored_hash: str, prepared: str | None, field: str) -> None:
    """Raises PasswordWrongError with the path of the field when the password is not the one of the hash."""
    if not await door.passwords.verify(prepared, stored_hash):
        raise PasswordWrongError(field)


async def record_everywhere(
    door: Door,
    session: WriteSession,
    user_id: UserId,
    memberships: Sequence[Membership],
    action: str,
    client: Client,
    *,
    now: datetime,
    old: Mapping[str, Any] | None = None,
    new: Mapping[str, Any] | None = None,
) -> None:
    """Writes the person's act into the log of each of the tenants. The scope is the person's again afterwards."""
    for membership in memberships:
        await rescope(session, Scope(tenant_id=membership.tenant_id, user_id=user_id))
        await audit.record(
            session,
            _acting(membership, client),
            action,
            "user",
            user_id,
            entry_id=door.ids.new(),
            now=now,
            old=old,
            new=new,
        )
    await rescope(session, Scope(user_id=user_id))


async def end_sessions_everywhere(
    door: Door,
    session: WriteSession,
    user_id: UserId,
    memberships: Sequence[Membership],
    client: Client,
    *,
    now: datetime,
    reason: str,
    except_id: SessionId | None = None,
) -> int:
    """Ends the person's sessions in the tenants but one, each with its entry in the log; how many ended.

    Logins of the platform end too, all of them, and with them the entries into tenants that they have made.
    The scope is the person's afterwards, on the platform too. When it is committed, the authenticator must forget the
    person.
    """
    count = 0
    for membership in memberships:
        await rescope(session, Scope(tenant_id=membership.tenant_id, user_id=user_id))
        ended = await accounts.end_sessions(
            session, membership.tenant_id, user_id, except_id=except_id, now=now, reason=reason
        )
        for session_id in ended:
            await audit.record(
                session,
                _acting(membership, client),
                "session.revoked",
                "session",
                session_id,
                entry_id=door.ids.new(),
                now=now,
                new={"reason": reason},
            )
        count += len(ended)
    await rescope(session, Scope(user_id=user_id, platform_user_id=user_id))
    await platform_repository.revoke_sessions(session, user_id, at=now)
    return count


def client_of(principal: Principal) -> Client:
    """Where the principal's request comes from."""
    return Client(ip_address=principal.ip_address, request_id=principal.request_id, user_agent=principal.user_agent)


def _acting(membership: Membership, client: Client) -> Principal:
    return Principal(
        tenant_id=membership.tenant_id,
        user_id=membership.user_id,
        scopes=frozenset(),
        actor=f"user:{membership.user_id}",
        ip_address=client.ip_address,
        request_id=client.request_id,
        user_agent=client.user_agent,
    )
