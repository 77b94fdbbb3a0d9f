"""`oms platform` and `oms tenant`: who runs the platform, and which tenants there are, by the hand of the operator."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

from app.core.errors import NotFoundError
from app.identity import platform_repository
from app.identity.domain import normalized_email, written_name
from app.identity.domain.platform import REASON_LENGTH_MAX
from app.infra.db import BatchSession, Database, DatabaseRole
from app.infra.reach import reachable_postgres
from app.infra.settings import load_settings
from app.infra.system import SystemClock
from app.infra.uow import begin_system
from app.tenants import batch as tenants

AnswerT = TypeVar("AnswerT")


def grant(email: str, *, note: str) -> None:
    """Make the registered person of the address an administrator of the platform.

    Raises: InputError, NotFoundError, UnavailableError when the database does not answer.
    """
    address = normalized_email(email)
    written = written_name(note, path=["note"], length_max=REASON_LENGTH_MAX)
    now = SystemClock().now()
    is_new = asyncio.run(_within(lambda session: platform_repository.grant(session, address, note=written, now=now)))
    if is_new is None:
        raise NotFoundError("Nobody active is registered with this address.")
    print("granted" if is_new else "they have it already", file=sys.stderr)


def revoke(email: str) -> None:
    """Take the power over the platform from the person of the address; their logins and entries hold no more.

    Raises: InputError, NotFoundError, UnavailableError when the database does not answer.
    """
    address = normalized_email(email)
    if not asyncio.run(_within(lambda session: platform_repository.revoke(session, address))):
        raise NotFoundError("Nobody of this address runs the platform.")
    print("revoked", file=sys.stderr)


def show(*, as_json: bool) -> None:
    """Print who runs the platform.

    Raises: UnavailableError when the database does not answer.
    """
    found = asyncio.run(_within(platform_repository.administrators))
    if as_json:
        print(
            json.dumps(
                [
                    {
                        "email": one.email,
                        "isActive": one.is_active,
                        "grantedAt": one.granted_at.isoformat(),
                        "note": one.note,
                    }
                    for one in found
                ]
            )
        )
        return
    for one in found:
        gone = "" if one.is_active else "  (not active)"
        print(f"{one.email}  since {one.granted_at:%Y-%m-%d}  {one.note}{gone}")


def list_tenants(*, as_json: bool) -> None:
    """Print the tenants of the installation.

    Raises: UnavailableError when the database does not answer.
    """
    found = asyncio.run(_within(tenants.listed))
    if as_json:
        print(json.dumps([{**one, "id": str(one["id"]), "created_at": one["created_at"].isoformat()} for one in found]))
        return
    for one in found:
        print(f"{one['slug']}  {one['name']}  {'active' if one['is_active'] else 'DEACTIVATED'}  {one['id']}")


async def _within(work: Callable[[BatchSession], Awaitable[AnswerT]]) -> AnswerT:
    database = Database(await reachable_postgres(load_settings()), DatabaseRole.SYSTEM, size=1)
    try:
        await database.open()
        async with begin_system(database) as session:
            return await work(session)
    finally:
        await database.close()
