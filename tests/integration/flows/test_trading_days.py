"""TRADING_HOURS on days that the calendar tells and on those between them that nobody told."""

from datetime import UTC, date, datetime

from app.compliance.domain.calendar import CalendarDay
from app.core.calendars import DayOverride
from app.core.fix import RiskLimitType
from app.flows.compliance.calendars import set_days
from tests import factories
from tests.fakes import SetClock
from tests.integration.flows.conftest import Trader
from tests.integration.flows.test_release_rates import at, codes

WEDNESDAY_AT_ELEVEN = SetClock(datetime(2027, 11, 24, 16, 0, tzinfo=UTC))
TUESDAY, WEDNESDAY, THURSDAY = date(2027, 11, 23), date(2027, 11, 24), date(2027, 11, 25)


async def keep(trader: Trader, *days: date) -> None:
    """The calendar tells these days: they end at one o'clock."""
    told = [
        CalendarDay(exchange="NASDAQ", name="half", override=DayOverride(day=day, opens=570, closes=780))
        for day in days
    ]
    await set_days(trader.desk, trader.principal, told, (), "test")


async def test_a_day_between_days_that_the_calendar_tells_is_not_known(trader: Trader, database_url: str) -> None:
    await factories.make_limit(trader.desk.database, trader.key.tenant_id, RiskLimitType.TRADING_HOURS)
    async with at(trader, database_url, WEDNESDAY_AT_ELEVEN) as one:
        await keep(trader, TUESDAY, THURSDAY)
        between = await one.place(limit_price="100")
        await keep(trader, WEDNESDAY)
        told = await one.place(limit_price="100")

    assert codes(between) == ["RISK_TRADING_HOURS"]
    assert "neither the broker nor the calendar" in between.problems[0].message
    assert codes(told) == []
