"""updateProfile and updatePreferences: what a person says of themselves."""

from collections.abc import Mapping
from typing import Any

import orjson

from app.flows.identity.door import Door
from app.flows.identity.person_acts import client_of, person_of, record_everywhere
from app.identity.accounts import repository as accounts
from app.identity.accounts.domain import checked_preferences, written_phone
from app.identity.domain import Principal, User, written_name
from app.infra.uow import Scope, begin


async def update_profile(
    door: Door,
    principal: Principal,
    *,
    first_name: str | None,
    last_name: str | None,
    phone_number: str | None,
) -> User:
    """The person with other names and another telephone number; None leaves one as it is, "" takes the number away.

    Raises NotASessionError, InputError with the path.
    """
    user_id, now = person_of(principal), door.clock.now()
    first = None if first_name is None else written_name(first_name, path=["firstName"])
    last = None if last_name is None else written_name(last_name, path=["lastName"])
    phone = None if phone_number is None else written_phone(phone_number)
    async with begin(door.database, Scope(user_id=user_id)) as session:
        user = await door.identity.user(session, user_id)
        await accounts.set_profile(
            session,
            user_id,
            first_name=user.first_name if first is None else first,
            last_name=user.last_name if last is None else last,
            phone_number=user.phone_number if phone_number is None else phone,
        )
        changed = await door.identity.user(session, user_id)
        old, new = _facts(user), _facts(changed)
        if new != old:
            memberships = await door.identity.memberships(session, user_id)
            await record_everywhere(
                door,
                session,
                user_id,
                memberships,
                "user.updated",
                client_of(principal),
                now=now,
                old={name: value for name, value in old.items() if new[name] != value},
                new={name: value for name, value in new.items() if old[name] != value},
            )
    return changed


async def update_preferences(door: Door, principal: Principal, preferences: Any) -> User:
    """The person with other preferences, in place of those before. Raises NotASessionError, InputError."""
    user_id, now = person_of(principal), door.clock.now()
    checked = checked_preferences(preferences, _size(preferences))
    async with begin(door.database, Scope(user_id=user_id)) as session:
        await accounts.set_preferences(session, user_id, checked)
        memberships = await door.identity.memberships(session, user_id)
        await record_everywhere(
            door,
            session,
            user_id,
            memberships,
            "preferences.updated",
            client_of(principal),
            now=now,
            new={"keys": sorted(checked)},
        )
        return await door.identity.user(session, user_id)


def _size(document: Any) -> int | None:
    try:
        return len(orjson.dumps(document))
    except (TypeError, RecursionError):
        return None


def _facts(user: User) -> Mapping[str, str | None]:
    return {"first_name": user.first_name, "last_name": user.last_name, "phone_number": user.phone_number}
