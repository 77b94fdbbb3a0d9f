"""`oms journal verify`: what the tables hold against what the event log tells."""

import asyncio
import json
from collections.abc import AsyncIterator
from uuid import UUID

from app.cli.exits import ExitCode
from app.core.errors import InputError, NotFoundError
from app.core.ids import AccountId
from app.core.messages import AccountKey
from app.flows.journal.verify_journal import Difference, Examination, accounts_to_verify, examine
from app.infra.db import Database, DatabaseRole
from app.infra.reach import reachable_postgres
from app.infra.settings import load_settings


def verify(tenant: str | None, account: str | None, *, as_json: bool) -> ExitCode:
    """Verify the accounts and print what differs; returns ERROR when anything does.

    Raises: InputError for what is no account id, NotFoundError when there is no such account.
    """
    return asyncio.run(_verify(tenant, _account_id(account), as_json=as_json))


async def _verify(tenant: str | None, account_id: AccountId | None, *, as_json: bool) -> ExitCode:
    code, is_any = ExitCode.OK, False
    async for key, found in _examined(tenant, account_id):
        is_any = True
        if any(one.is_verifiable for one in found.differences):
            code = ExitCode.ERROR
        print(_document(key, found) if as_json else _lines(key, found))
    if not is_any and (tenant is not None or account_id is not None):
        raise NotFoundError("There is no such account.")
    return code


async def _examined(tenant: str | None, account_id: AccountId | None) -> AsyncIterator[tuple[AccountKey, Examination]]:
    url = await reachable_postgres(load_settings())
    system, database = Database(url, DatabaseRole.SYSTEM, size=1), Database(url, DatabaseRole.APP, size=1)
    try:
        await system.open()
        await database.open()
        for key in await accounts_to_verify(system, tenant, account_id):
            yield key, await examine(database, key.tenant_id, key.account_id)
    finally:
        await system.close()
        await database.close()


def _lines(key: AccountKey, found: Examination) -> str:
    differing = sum(one.is_verifiable for one in found.differences)
    others = len(found.differences) - differing
    head = f"account {key.account_id}: {found.orders} orders, {found.events} events, {differing} differences"
    if others:
        head += f", {others} not verifiable"
    return "\n".join((head, *map(_line, found.differences)))


def _line(one: Difference) -> str:
    if not one.is_verifiable:
        return f"  not verifiable: {one.subject} {one.id}: {one.replayed}"
    return f"  {one.subject} {one.id} {one.field}: stored {one.stored}, replayed {one.replayed}"


def _document(key: AccountKey, found: Examination) -> str:
    return json.dumps(
        {
            "tenantId": str(key.tenant_id),
            "accountId": str(key.account_id),
            "orders": found.orders,
            "events": found.events,
            "differences": [
                {
                    "subject": one.subject,
                    "id": str(one.id),
                    "field": one.field,
                    "stored": one.stored,
                    "replayed": one.replayed,
                    "isVerifiable": one.is_verifiable,
                }
                for one in found.differences
            ],
        }
    )


def _account_id(text: str | None) -> AccountId | None:
    try:
        return None if text is None else AccountId(UUID(text))
    except ValueError as error:
        raise InputError(f"{text} is no account id.", path=["account"]) from error
