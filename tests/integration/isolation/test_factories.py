"""What the factories store can be read back within its tenant, and belongs together."""

from decimal import Decimal

from sqlalchemy import text

from app.core.fix import RiskLimitType
from app.infra.db import Database
from app.infra.uow import Scope, reading
from tests.factories import SYMBOLS, make_account, make_instruments, make_limit, make_principal, make_tenant


async def test_a_tenant_with_all_that_a_test_stands_on(database: Database) -> None:
    tenant_id = await make_tenant(database)
    await make_principal(database, tenant_id)
    account = await make_account(database, tenant_id)
    await make_instruments(database, tenant_id)
    await make_limit(database, tenant_id, RiskLimitType.MAX_ORDER_QUANTITY, Decimal(5), account_id=account.account_id)

    counts = {}
    async with reading(database, Scope(tenant_id=tenant_id)) as session:
        for table in (
            "tenants",
            "users",
            "memberships",
            "auth_sessions",
            "broker_accounts",
            "broker_connections",
            "account_books",
            "account_balances",
            "instruments",
            "risk_limits",
        ):
            counts[table] = (await session.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one()

    assert counts.pop("instruments") == len(SYMBOLS)
    assert set(counts.values()) == {1}


async def test_every_call_makes_something_new(database: Database) -> None:
    tenant_id = await make_tenant(database)

    accounts = {(await make_account(database, tenant_id)).account_id for _ in range(3)}

    assert len(accounts) == 3
