"""Calendars over HTTP: days set, read in pages, imported, exported; what cannot be is refused."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.compliance.calendars_batch import overrides_of
from app.core.calendars import DayOverride
from app.core.fix import RiskLimitType
from app.identity.domain import Role
from app.infra.uow import begin_batch
from tests import factories
from tests.graphql.conftest import Api, Firm

SET = """
mutation Set($input: SetCalendarDaysInput!) {
  setCalendarDays(input: $input) { stored removed errors { code path } }
}
"""
IMPORT = """
mutation Import($input: ImportCalendarInput!) {
  importCalendar(input: $input) { isStored lines { number exchange day code message } errors { code path } }
}
"""
EXPORT = "mutation { exportCalendar { csv errors { code } } }"
DAYS = """
query Days($exchange: String, $first: Int, $after: String) {
  calendarDays(exchange: $exchange, first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor }
    edges { node { exchange day name isClosed opens closes extendedCloses setBy reason } }
  }
}
"""
HOLIDAY = {"exchange": "NASDAQ", "day": "2026-11-26", "name": "Thanksgiving", "isClosed": True}
HALF_DAY = {"exchange": "nasdaq", "day": "2026-11-27", "closes": "13:00", "extendedCloses": "17:00"}


async def call(api: Api, document: str, **given: Any) -> Any:
    """The payload of a mutation."""
    [payload] = (await api.data(document, input={"reason": "published", **given})).values()
    return payload


async def test_days_are_set_paged_changed_and_taken_back(firm: Firm, stranger: Firm) -> None:
    stored = await call(firm.api, SET, days=[HALF_DAY, HOLIDAY, {**HOLIDAY, "exchange": "NYSE"}])
    page = (await firm.api.data(DAYS, first=2))["calendarDays"]
    rest = (await firm.api.data(DAYS, after=page["pageInfo"]["endCursor"]))["calendarDays"]
    changed = await call(
        firm.api,
        SET,
        days=[{**HOLIDAY, "name": "Thanksgiving Day"}],
        remove=[{"exchange": "NYSE", "day": "2026-11-26"}],
    )
    left = (await firm.api.data(DAYS, exchange="NASDAQ"))["calendarDays"]

    assert (stored["stored"], stored["errors"]) == (3, [])
    nodes = [edge["node"] for edge in page["edges"] + rest["edges"]]
    assert [(one["exchange"], one["day"]) for one in nodes] == [
        ("NASDAQ", "2026-11-26"),
        ("NASDAQ", "2026-11-27"),
        ("NYSE", "2026-11-26"),
    ]
    assert (page["totalCount"], page["pageInfo"]["hasNextPage"]) == (3, True)
    assert (nodes[1]["opens"], nodes[1]["closes"], nodes[1]["extendedCloses"]) == (None, "13:00", "17:00")
    assert (nodes[0]["setBy"], nodes[0]["reason"]) == (firm.principal.actor, "published")
    assert (changed["removed"], left["totalCount"]) == (1, 2)
    assert left["edges"][0]["node"]["name"] == "Thanksgiving Day"
    assert (await stranger.api.data(DAYS))["calendarDays"]["totalCount"] == 0


async def test_the_chain_reads_the_days_about_now(firm: Firm, stranger: Firm) -> None:
    later = {**HOLIDAY, "day": "2027-11-25"}
    await call(firm.api, SET, days=[HOLIDAY, later, {**HOLIDAY, "exchange": "NYSE"}])
    now, tenant_id = datetime(2026, 11, 25, 15, tzinfo=UTC), firm.key.tenant_id

    async with begin_batch(firm.desk.database, tenant_id) as session:
        mine, theirs = firm.instruments["AAPL"], stranger.instruments["AAPL"]
        wanted = [(tenant_id, mine.id), (tenant_id, firm.instruments["SPY"].id), (stranger.key.tenant_id, theirs.id)]
        (found,) = await session.read(overrides_of(wanted, now))

    assert found == {(tenant_id, mine.id): [DayOverride(day=date(2026, 11, 26), is_closed=True)]}


async def test_a_file_is_imported_line_by_line_and_exported_as_it_was(firm: Firm) -> None:
    content = (
        "exchange,day,closed,closes,name\n"
        "NYSE,2026-12-25,yes,,=HYPERLINK(1)\n"
        "NYSE,2026-12-24,no,13:00,Christmas Eve\n"
        "NYSE,2026-12-24,no,12:00,twice\n"
        "NYSE,2026-02-30,yes,,\n"
        "ＮＹＳＥ,2026-12-26,yes,,\n"
        "NYSE,2026-12-31,maybe,,\n"
        "NYSE,2026-12-31,no,25:00,\n"
    )
    none = await call(firm.api, IMPORT, content=content)
    some = await call(firm.api, IMPORT, content=content, skipRefused=True)
    csv = (await firm.api.data(EXPORT))["exportCalendar"]["csv"]
    again = await call(firm.api, IMPORT, content=csv)

    assert (none["isStored"], some["isStored"], again["isStored"]) == (False, True, True)
    assert [line["code"] for line in some["lines"]] == [None, None, *["CALENDAR_INVALID"] * 5]
    assert [line["number"] for line in some["lines"]] == list(range(2, 9))
    assert "'=HYPERLINK(1)" in csv
    assert (await firm.api.data(DAYS))["calendarDays"]["totalCount"] == 2


@pytest.mark.parametrize(
    ("days", "path"),
    [
        ([], ["days"]),
        ([HOLIDAY, HOLIDAY], ["days", "1"]),
        ([{**HOLIDAY, "opens": "09:00"}], ["days", "0", "isClosed"]),
        ([{"exchange": "NYSE", "day": "2026-11-26"}], ["days", "0", "isClosed"]),
        ([{**HALF_DAY, "closes": "9:00"}], ["days", "0", "closes"]),
        ([{**HALF_DAY, "opens": "14:00"}], ["days", "0", "closes"]),
        ([{**HALF_DAY, "closes": "１３:00"}], ["days", "0", "closes"]),
        ([{**HOLIDAY, "exchange": "N\u0000"}], ["days", "0", "exchange"]),
        ([{**HOLIDAY, "exchange": "ΝYSE"}], ["days", "0", "exchange"]),
        ([{**HOLIDAY, "day": "1899-01-01"}], ["days", "0", "day"]),
        ([{**HOLIDAY, "name": "x" * 101}], ["days", "0", "name"]),
        ([{**HOLIDAY, "name": "a\u0000"}], ["days", "0", "name"]),
    ],
    ids=range(12),
)
async def test_a_day_that_cannot_be_is_refused_with_its_path(firm: Firm, days: list[Any], path: list[str]) -> None:
    payload = await call(firm.api, SET, days=days)

    assert payload["errors"] == [{"code": "CALENDAR_INVALID", "path": path}]
    assert (await firm.api.data(DAYS))["calendarDays"]["totalCount"] == 0


async def test_traders_read_the_calendar_and_do_not_keep_it(firm: Firm) -> None:
    trader = await firm.member(Role.TRADER)

    assert (await trader.refusal(SET, input={"reason": "x", "days": [HOLIDAY]}))[0] == "FORBIDDEN"
    assert (await trader.data(DAYS))["calendarDays"]["edges"] == []


async def test_a_holiday_keeps_orders_out_where_hours_are_a_limit(firm: Firm) -> None:
    now = firm.desk.clock.now()
    today = now.astimezone(ZoneInfo("America/New_York")).date()
    await factories.make_limit(firm.desk.database, firm.key.tenant_id, RiskLimitType.TRADING_HOURS)
    # By itself neither day is known: what is said of today alone makes it so.
    whole = {"exchange": "NASDAQ", "day": str(today), "opens": "00:00", "closes": "24:00"}

    unknown = await firm.api.place(**firm.order())
    await call(firm.api, SET, days=[whole])
    dealt = await firm.api.place(**firm.order())
    await call(firm.api, SET, days=[{**HOLIDAY, "day": str(today)}])
    closed = await firm.api.place(**firm.order())

    codes = [[error["code"] for error in one["errors"]] for one in (unknown, dealt, closed)]
    assert codes == [["RISK_TRADING_HOURS"], [], ["RISK_TRADING_HOURS"]]
    assert "has not told" in unknown["errors"][0]["message"]
    assert "no regular session" in closed["errors"][0]["message"]
