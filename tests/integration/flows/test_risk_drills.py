"""The worker's drills: what is due, on the account's real figures, once."""

from datetime import timedelta
from decimal import Decimal

import pytest

from app.core.fix import RiskLimitType
from app.core.ids import LimitId
from app.flows.risk.change_risk_limits import set_risk_limit
from app.flows.risk.drill_risk_limits import DrillDesk, drill_due_limits, drill_risk_limits
from app.identity.domain import Principal, system_principal
from app.infra.db import Database
from app.infra.uow import Scope, begin_batch, reading
from app.risk.domain import RiskLimit
from app.risk.keeping import repository
from app.risk.keeping.domain.changes import DrillOutcome, KeptLimit, LimitSetting
from tests import factories
from tests.fakes import SetClock
from tests.integration.flows.conftest import Trader
from tests.integration.flows.own_desk import desk, system_database

__all__ = ["desk", "system_database"]

_TYPE = RiskLimitType


@pytest.fixture
def operator(trader: Trader) -> Principal:
    """Who runs the installation, in the trader's tenant."""
    return system_principal(trader.key.tenant_id, "tests")


def desk_of(trader: Trader, *, later: timedelta = timedelta(0)) -> DrillDesk:
    """The trader's desk at an instant."""
    desk = trader.desk
    clock = SetClock(desk.clock.now() + later)
    return DrillDesk(database=desk.database, redis=desk.redis, clock=clock, ids=desk.ids)


async def kept(trader: Trader, limit_id: LimitId) -> KeptLimit:
    """The limit as it stands."""
    tenant_id = trader.key.tenant_id
    async with reading(trader.desk.database, Scope(tenant_id=tenant_id)) as session:
        [found] = await repository.limits_by_ids(session, tenant_id, [limit_id])
    return found


async def test_a_drill_counts_what_the_account_has_and_leaves_it_alone(trader: Trader, operator: Principal) -> None:
    limit = await factories.make_limit(
        trader.desk.database, trader.key.tenant_id, _TYPE.MAX_POSITION_QUANTITY, Decimal(100),
        instrument_id=trader.instruments["AAPL"].id,
    )  # fmt: skip
    await trader.placed(quantity="60", limit_price="5.00")
    orders = await factories.make_limit(trader.desk.database, trader.key.tenant_id, _TYPE.MAX_OPEN_ORDERS, Decimal(3))

    found = {one.limit.id: one for one in await drill_risk_limits(desk_of(trader), operator, None)}
    allowed = await trader.place(quantity="40", limit_price="5.00")

    drills = [found[one.id].last_drill for one in (limit, orders)]
    assert [one.outcome for one in drills if one] == [DrillOutcome.FIRED, DrillOutcome.FIRED]
    assert [one.message for one in drills if one] == [
        "position if all is filled 101 is above 100",
        "open orders 4 is above 3",
    ]
    assert {one.account_id for one in drills if one} == {trader.account_id}
    assert allowed.problems == ()


async def test_a_limit_is_drilled_once_a_day_and_again_when_it_changes(
    trader: Trader, operator: Principal, system_database: Database
) -> None:
    tenant_id = trader.key.tenant_id
    limit = await factories.make_limit(trader.desk.database, tenant_id, _TYPE.MAX_ORDER_QUANTITY, Decimal(100))

    async def drilled_at(later: timedelta) -> tuple[int | None, object]:
        desk = desk_of(trader, later=later)
        await drill_due_limits(desk, system_database)
        last = (await kept(trader, limit.id)).last_drill
        return (None, None) if last is None else (last.limit_version, last.drilled_at == desk.clock.now())

    first = await drilled_at(timedelta(0))
    soon = await drilled_at(timedelta(hours=1))
    setting = LimitSetting(id=limit.id, wanted=RiskLimit(id=limit.id, limit_type=limit.limit_type, value=Decimal(90)))
    await set_risk_limit(trader.desk.database, trader.desk.clock, trader.desk.ids, operator, setting)
    changed = await drilled_at(timedelta(hours=2))
    next_day = await drilled_at(timedelta(hours=26))

    assert (first, soon, changed, next_day) == ((1, True), (1, False), (2, True), (2, True))


async def test_a_limit_that_cannot_fire_is_told_loudly(
    trader: Trader, system_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    tenant_id = trader.key.tenant_id
    limit = await factories.make_limit(trader.desk.database, tenant_id, _TYPE.MAX_DRAWDOWN, Decimal(100))
    async with begin_batch(trader.desk.database, tenant_id) as session:
        await session.execute("UPDATE account_balances SET updated_at = now() WHERE tenant_id = $1", tenant_id)

    await drill_due_limits(desk_of(trader), system_database)

    last = (await kept(trader, limit.id)).last_drill
    assert last is not None
    assert last.outcome is DrillOutcome.SILENT
    assert any(str(limit.id) in record.getMessage() for record in caplog.records)


async def test_a_drill_warns_of_symbols_that_no_instrument_bears(trader: Trader, operator: Principal) -> None:
    database, tenant_id = trader.desk.database, trader.key.tenant_id
    mixed = await factories.make_limit(
        database, tenant_id, _TYPE.SYMBOL_BLACKLIST, None, conditions={"symbols": ["APPL", "aapl"]}
    )
    many = [f"ZZ{one}" for one in range(7)]
    long = await factories.make_limit(
        database, tenant_id, _TYPE.SYMBOL_BLACKLIST, None, conditions={"symbols": ["MSFT", *many]}
    )
    known = await factories.make_limit(
        database, tenant_id, _TYPE.SYMBOL_BLACKLIST, None, conditions={"symbols": ["MSFT"]}
    )

    found = {one.limit.id: one.last_drill for one in await drill_risk_limits(desk_of(trader), operator, None)}

    told = [found[one.id] for one in (mixed, long, known)]
    assert [one.outcome for one in told if one] == [DrillOutcome.FIRED] * 3
    assert [one.message for one in told if one] == [
        "AAPL is on the black list; no instrument of the firm is called APPL",
        "MSFT is on the black list; no instrument of the firm is called ZZ0, ZZ1, ZZ2, ZZ3, ZZ4 and 2 more",
        "MSFT is on the black list",
    ]
