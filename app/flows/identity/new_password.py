"""What a new password must be: long enough, hard to guess, and none of the person's last."""

import asyncio
from collections.abc import Sequence

from app.core.ids import UserId
from app.flows.identity.door import Door
from app.identity.accounts import repository as accounts
from app.identity.accounts.domain import PASSWORDS_REMEMBERED
from app.identity.accounts.errors import PasswordReusedError
from app.identity.domain import User, new_password
from app.identity.errors import WeakPasswordError
from app.infra.uow import Scope, reading

_HOUSE_WORDS = ("oms", "trading", "password", "interactive", "brokers")


async def strong_password(
    door: Door, password: str, *, email: str, words: Sequence[str], field: str = "password"
) -> str:
    """The password to hash, when it satisfies the policy; words are what those who know the person would try.

    Raises WeakPasswordError with the path of the field.
    """
    prepared = new_password(password, email=email, field=field)
    weakness = await door.strength.weakness(prepared, [email, *words, *_HOUSE_WORDS])
    if weakness is not None:
        raise WeakPasswordError(weakness, field)
    return prepared


async def fresh_password(door: Door, user: User, password: str, *, present_hash: str, field: str) -> str:
    """The password to hash for a person who has had others. Raises WeakPasswordError, PasswordReusedError."""
    words = [user.first_name, user.last_name, user.phone_number or ""]
    prepared = await strong_password(door, password, email=user.email, words=words, field=field)
    known = await _last_hashes(door, user.id, present_hash)
    is_one_of_them = await asyncio.gather(*(door.passwords.verify(prepared, hashed) for hashed in known))
    if any(is_one_of_them):
        raise PasswordReusedError(PASSWORDS_REMEMBERED, field)
    return prepared


async def _last_hashes(door: Door, user_id: UserId, present_hash: str) -> list[str]:
    async with reading(door.database, Scope(user_id=user_id)) as session:
        former = await accounts.former_hashes(session, user_id, limit=PASSWORDS_REMEMBERED)
    return list(dict.fromkeys([present_hash, *former]))[: PASSWORDS_REMEMBERED + 1]
