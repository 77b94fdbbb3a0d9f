"""How full limits were and what was at risk at the ends of days, as a client meets them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from app.core.fix import RiskLimitType
from app.core.ids import AccountId, InstrumentId, LimitId
from app.identity.domain import Role, Scope
from app.infra.uow import begin_batch
from app.risk.domain import AccountMode
from app.risk.history import days_batch, samples_batch
from app.risk.history.domain.backtest import RiskDay, Series, Tail
from app.risk.history.domain.sampling import Sample, minute_of
from tests import factories
from tests.graphql.conftest import Firm, token_of
from tests.graphql.test_account_grants import grant

CURVE = """
query Curve($limitId: ID!, $accountId: ID, $instrumentId: ID, $start: DateTime!, $end: DateTime!, $minutes: Int) {
  riskUtilisationHistory(limitId: $limitId, accountId: $accountId, instrumentId: $instrumentId, start: $start,
    end: $end, resolutionMinutes: $minutes) {
    start resolutionMinutes points { at accountId instrumentId ratio used value isMeasured }
  }
}
"""
DAYS = """
query Days($accountId: ID, $mode: AccountMode, $currency: String, $start: Date, $end: Date, $first: Int,
  $after: String, $last: Int, $before: String) {
  valueAtRiskHistory(accountId: $accountId, mode: $mode, currency: $currency, start: $start, end: $end, first: $first,
    after: $after, last: $last, before: $before) {
    totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    backtests {
      accountId mode currency historical { days exceptions expected } parametric { days exceptions expected }
    }
    edges { cursor node {
      accountId mode currency day historical { valueAtRisk expectedShortfall reason } parametric { valueAtRisk }
      gross net coveredGross isComplete unvaluedPositions pnl nextDayPnl isHistoricalException isParametricException
    } }
  }
}
"""
LAST_DAY = date(2026, 3, 6)


async def limited(firm: Firm, **more: Any) -> LimitId:
    """A new limit."""
    limit = await factories.make_limit(
        firm.desk.database, firm.key.tenant_id, RiskLimitType.MAX_POSITION_QUANTITY, Decimal(100), **more
    )
    return limit.id


def hour_before() -> datetime:
    """The beginning of the last hour that is over."""
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)


async def sampled(
    firm: Firm, limit_id: LimitId, *given: tuple[int, str | None], account_id: AccountId | None = None, of: str = "AAPL"
) -> None:
    """Samples so many minutes after the last hour began."""
    samples = [
        Sample(
            limit_id=limit_id,
            account_id=account_id or firm.account_id,
            minute=minute_of(hour_before() + timedelta(minutes=minute)),
            instrument_id=InstrumentId(firm.instruments[of].id),
            ratio=Decimal(ratio or 0),
            used=None if ratio is None else Decimal(ratio) * 100,
            value=Decimal(100),
            is_measured=ratio is not None,
        )
        for minute, ratio in given
    ]
    async with begin_batch(firm.desk.database, firm.key.tenant_id) as session:
        await session.write([samples_batch.store(firm.key.tenant_id, samples)])


def asked(limit_id: object, minutes: int | None = 5, length: int = 60, **more: Any) -> dict[str, Any]:
    """What the last hour is asked with."""
    start = hour_before()
    return {
        "limitId": str(limit_id),
        "start": start.isoformat(),
        "end": (start + timedelta(minutes=length)).isoformat(),
        "minutes": minutes,
        **more,
    }


async def curve(firm: Firm, limit_id: object, **more: Any) -> Any:
    """The curve of the last hour."""
    return (await firm.api.data(CURVE, **asked(limit_id, **more)))["riskUtilisationHistory"]


async def kept(firm: Firm, series: Series, *given: tuple[str | None, str | None]) -> None:
    """Days until the last one: the historical figure at the end of each, and what the day itself had brought."""
    days = [
        RiskDay(
            id=firm.desk.ids.new(),
            series=series,
            day=LAST_DAY - timedelta(days=len(given) - 1 - place),
            closed_at=datetime(2026, 3, 6, tzinfo=UTC),
            computed_at=datetime(2026, 3, 6, tzinfo=UTC),
            confidence=Decimal("0.99"),
            historical=_tail(figure),
            parametric=_tail(None if figure is None else str(Decimal(figure) * 2)),
            observations=500,
            long=Decimal(1000),
            short=Decimal(400),
            covered_gross=Decimal(1400),
            positions=3,
            unvalued=0 if figure else 3,
            uncovered=0,
            constant_currencies=(),
            oldest_price_at=None,
            pnl=None if pnl is None else Decimal(pnl),
            reason=None,
        )
        for place, (figure, pnl) in enumerate(given)
    ]
    async with begin_batch(firm.desk.database, firm.key.tenant_id) as session:
        await session.write([days_batch.store(firm.key.tenant_id, days)])


def _tail(figure: str | None) -> Tail:
    told = None if figure is None else Decimal(figure)
    return Tail(value_at_risk=told, expected_shortfall=told, reason="no price" if told is None else None)


def own(firm: Firm) -> Series:
    """The days of the firm's account."""
    return Series(account_id=firm.account_id, mode=AccountMode.PAPER, currency="USD")


def whole(mode: AccountMode = AccountMode.PAPER, currency: str = "USD") -> Series:
    """The days of all accounts of a mode and a currency."""
    return Series(account_id=None, mode=mode, currency=currency)


async def days(firm: Firm, **of: Any) -> Any:
    """The page of days."""
    return (await firm.api.data(DAYS, **of))["valueAtRiskHistory"]


def nodes(page: Any) -> Sequence[Any]:
    """What is on a page."""
    return [edge["node"] for edge in page["edges"]]


async def test_a_curve_tells_the_fullest_of_each_slice(firm: Firm) -> None:
    limit = await limited(firm)
    await sampled(firm, limit, (0, "0.1"), (7, "0.95"), (8, "0.3"), (20, None), (25, "1.2"))

    found = await curve(firm, limit, length=35)

    assert (found["resolutionMinutes"], datetime.fromisoformat(found["start"])) == (5, hour_before())
    assert [(one["ratio"], one["used"], one["isMeasured"]) for one in found["points"]] == [
        (0.1, "10", True),
        (0.95, "95", True),
        (0.3, "30", True),
        (0.3, "30", True),
        (None, None, False),
        (1.2, "120", True),
        (1.2, "120", True),
    ]
    assert {(one["accountId"], one["instrumentId"]) for one in found["points"]} == {
        (str(firm.account_id), str(firm.instruments["AAPL"].id))
    }


async def test_without_a_resolution_a_chart_has_some_hundred_points_at_most(firm: Firm) -> None:
    limit = await limited(firm)
    now = datetime.now(UTC)
    found = {}
    for span in (1, 7, 30):
        answer = await firm.api.data(
            CURVE, **asked(limit, None, start=(now - timedelta(days=span)).isoformat(), end=now.isoformat())
        )
        found[span] = answer["riskUtilisationHistory"]["resolutionMinutes"]

    assert found == {1: 5, 7: 30, 30: 120}


async def test_of_all_accounts_the_fullest_is_told_and_of_an_instrument_where_it_was_the_fullest(firm: Firm) -> None:
    other = await factories.make_account(firm.desk.database, firm.key.tenant_id, client_id=9)
    limit = await limited(firm)
    await sampled(firm, limit, (0, "0.5"), (5, "0.2"))
    await sampled(firm, limit, (0, "0.4"), account_id=other.account_id, of="MSFT")

    every = await curve(firm, limit, length=10)
    mine = await curve(firm, limit, length=10, accountId=str(firm.account_id))
    microsoft = await curve(firm, limit, length=10, instrumentId=str(firm.instruments["MSFT"].id))

    assert [(one["accountId"], one["ratio"]) for one in every["points"]] == [
        (str(firm.account_id), 0.5),
        (str(other.account_id), 0.4),
    ]
    assert [one["ratio"] for one in mine["points"]] == [0.5, 0.2]
    assert [one["ratio"] for one in microsoft["points"]] == [0.4, 0.4]


async def test_a_deleted_limit_keeps_its_history(firm: Firm) -> None:
    limit = await limited(firm)
    await sampled(firm, limit, (0, "0.5"))
    async with begin_batch(firm.desk.database, firm.key.tenant_id) as session:
        await session.execute("UPDATE risk_limits SET deleted_at = now(), is_active = false WHERE id = $1", limit)

    assert len((await curve(firm, limit))["points"]) == 12


async def test_another_firms_limit_is_unknown_like_one_that_is_none(firm: Firm, stranger: Firm) -> None:
    limit = await limited(firm)
    await sampled(firm, limit, (0, "0.5"))
    theirs = await factories.make_account(stranger.desk.database, stranger.key.tenant_id)

    foreign = await stranger.api.refusal(CURVE, **asked(limit))
    unknown = await stranger.api.refusal(CURVE, **asked(uuid4()))
    account = await firm.api.refusal(CURVE, **asked(limit, accountId=str(theirs.account_id)))

    assert foreign == unknown == ("LIMIT_NOT_FOUND", ["limitId"])
    assert account == await firm.api.refusal(CURVE, **asked(limit, accountId=str(uuid4())))
    assert account[1] == ["accountId"]


async def test_whoever_is_restricted_sees_the_curve_of_their_accounts(firm: Firm) -> None:
    other = await factories.make_account(firm.desk.database, firm.key.tenant_id, client_id=9)
    limit, hidden = await limited(firm), await limited(firm, account_id=firm.account_id)
    await sampled(firm, limit, (0, "0.9"))
    await sampled(firm, limit, (0, "0.4"), account_id=other.account_id)
    principal = await factories.make_principal(firm.desk.database, firm.key.tenant_id, role=Role.TRADER)
    assert principal.user_id is not None
    await grant(firm, principal.user_id, {other.account_id: False})
    restricted = firm.api.holding(token_of(firm.desk, principal))

    found = (await restricted.data(CURVE, **asked(limit)))["riskUtilisationHistory"]

    assert {(one["accountId"], one["ratio"]) for one in found["points"]} == {(str(other.account_id), 0.4)}
    assert (await restricted.refusal(CURVE, **asked(limit, accountId=str(firm.account_id))))[1] == ["accountId"]
    assert await restricted.refusal(CURVE, **asked(hidden)) == ("LIMIT_NOT_FOUND", ["limitId"])


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        ({"start": "2026-03-02T00:00:00Z", "end": "2026-03-01T00:00:00Z"}, ("RISK_HISTORY_RANGE_INVALID", "end")),
        ({"start": "2026-03-02T00:00:00Z", "end": "2026-03-02T00:00:00Z"}, ("RISK_HISTORY_RANGE_INVALID", "end")),
        ({"start": "2025-01-01T00:00:00Z", "end": "2026-03-02T00:00:00Z"}, ("RISK_HISTORY_RANGE_INVALID", "end")),
        (
            {"start": "2026-03-01T00:00:00Z", "end": "2026-03-02T00:00:00Z", "minutes": 1},
            ("RISK_HISTORY_RANGE_INVALID", "resolutionMinutes"),
        ),
        ({"minutes": 0}, ("RISK_HISTORY_RANGE_INVALID", "resolutionMinutes")),
        ({"minutes": -1}, ("RISK_HISTORY_RANGE_INVALID", "resolutionMinutes")),
        ({"minutes": 2_147_483_647}, ("RISK_HISTORY_RANGE_INVALID", "resolutionMinutes")),
        ({"limitId": "x"}, ("BAD_USER_INPUT", "limitId")),
        ({"instrumentId": "'; DROP TABLE orders"}, ("BAD_USER_INPUT", "instrumentId")),
        ({"accountId": "\u0000"}, ("BAD_USER_INPUT", "accountId")),
    ],
    ids=["backwards", "empty", "long", "many", "zero", "negative", "huge", "limit", "instrument", "account"],
)
async def test_what_is_no_question_of_a_curve_is_refused(
    firm: Firm, given: dict[str, Any], refused: tuple[str, str]
) -> None:
    limit = await limited(firm)

    assert await firm.api.refusal(CURVE, **{**asked(limit), **given}) == (refused[0], [refused[1]])


@pytest.mark.parametrize("year", ["0001-01-01T00:00:00Z", "9999-12-30T00:00:00Z"], ids=["first", "last"])
async def test_the_ends_of_time_are_asked_for_in_vain(firm: Firm, year: str) -> None:
    limit = await limited(firm)
    end = year[:8] + f"{int(year[8:10]) + 1:02}" + year[10:]

    assert (await curve(firm, limit, start=year, end=end, minutes=None))["points"] == []


async def test_days_are_told_the_newest_first_with_what_the_next_one_brought(firm: Firm) -> None:
    await kept(firm, own(firm), ("100", "20"), ("110", "-105"), (None, "5"), ("120", None))

    page = await days(firm, accountId=str(firm.account_id))

    told = [
        (one["day"], one["historical"]["valueAtRisk"], one["pnl"], one["nextDayPnl"], one["isHistoricalException"])
        for one in nodes(page)
    ]
    assert told == [
        ("2026-03-06", "120", None, None, None),
        ("2026-03-05", None, "5", None, None),
        ("2026-03-04", "110", "-105", "5", False),
        ("2026-03-03", "100", "20", "-105", True),
    ]
    assert nodes(page)[1]["historical"]["reason"] == "no price"
    assert (nodes(page)[1]["isComplete"], nodes(page)[1]["unvaluedPositions"]) == (False, 3)
    assert {(one["gross"], one["net"], one["mode"], one["currency"]) for one in nodes(page)} == {
        ("1400", "600", "PAPER", "USD")
    }
    assert page["backtests"] == [
        {
            "accountId": str(firm.account_id),
            "mode": "PAPER",
            "currency": "USD",
            "historical": {"days": 2, "exceptions": 1, "expected": "0.02"},
            "parametric": {"days": 2, "exceptions": 0, "expected": "0.02"},
        }
    ]


async def test_days_of_all_accounts_stay_apart_by_mode_and_currency(firm: Firm) -> None:
    await kept(firm, own(firm), ("100", "20"))
    for series in (whole(), whole(AccountMode.LIVE), whole(AccountMode.LIVE, "EUR")):
        await kept(firm, series, ("100", "20"), ("100", "20"))

    every = await days(firm)
    live = await days(firm, mode="LIVE")
    euros = await days(firm, mode="LIVE", currency="EUR")

    assert (every["totalCount"], live["totalCount"], euros["totalCount"]) == (6, 4, 2)
    assert {one["accountId"] for one in nodes(every)} == {None}
    assert [(one["mode"], one["currency"]) for one in every["backtests"]] == [
        ("PAPER", "USD"),
        ("LIVE", "USD"),
        ("LIVE", "EUR"),
    ]


async def test_days_are_paged_both_ways_and_by_range(firm: Firm) -> None:
    for series in (whole(), whole(AccountMode.LIVE)):
        await kept(firm, series, *[("100", "20")] * 4)

    first = await days(firm, first=3)
    second = await days(firm, first=5, after=first["pageInfo"]["endCursor"])
    back = await days(firm, last=2, before=second["pageInfo"]["startCursor"])
    some = await days(firm, start="2026-03-04", end="2026-03-05")

    order = [(one["day"], one["mode"]) for one in (*nodes(first), *nodes(second))]
    assert order == [(f"2026-03-0{day}", mode) for day in (6, 5, 4, 3) for mode in ("PAPER", "LIVE")]
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]) == (
        8,
        True,
        False,
    )
    assert [(one["day"], one["mode"]) for one in nodes(back)] == order[1:3]
    assert {one["day"] for one in nodes(some)} == {"2026-03-04", "2026-03-05"}
    assert some["backtests"][0]["historical"]["days"] == 2


async def test_days_of_others_are_not_told(firm: Firm, stranger: Firm) -> None:
    other = await factories.make_account(firm.desk.database, firm.key.tenant_id, client_id=9)
    await kept(firm, own(firm), ("100", "20"))
    await kept(firm, Series(account_id=other.account_id, mode=AccountMode.PAPER, currency="USD"), ("7", "1"))
    await kept(firm, whole(), ("107", "21"))
    principal = await factories.make_principal(firm.desk.database, firm.key.tenant_id, role=Role.TRADER)
    assert principal.user_id is not None
    await grant(firm, principal.user_id, {other.account_id: False})
    restricted = firm.api.holding(token_of(firm.desk, principal))

    mine = (await restricted.data(DAYS, accountId=str(other.account_id)))["valueAtRiskHistory"]
    all_together = (await restricted.data(DAYS))["valueAtRiskHistory"]
    hidden = await restricted.refusal(DAYS, accountId=str(firm.account_id))

    assert [one["historical"]["valueAtRisk"] for one in nodes(mine)] == ["7"]
    # What all accounts came to would tell of those that are hidden.
    assert (all_together["totalCount"], all_together["backtests"]) == (0, [])
    assert hidden == await restricted.refusal(DAYS, accountId=str(uuid4()))
    assert (await days(stranger))["totalCount"] == 0
    assert (await stranger.api.refusal(DAYS, accountId=str(firm.account_id))) == hidden


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        ({"start": "2026-03-02", "end": "2026-03-01"}, ("RISK_HISTORY_RANGE_INVALID", ["end"])),
        ({"currency": "usd; --"}, ("BAD_USER_INPUT", ["currency"])),
        ({"first": 0}, ("BAD_USER_INPUT", ["first"])),
        ({"first": 501}, ("BAD_USER_INPUT", ["first"])),
        ({"after": "x"}, ("BAD_USER_INPUT", ["after"])),
        ({"after": "dmFsdWVBdFJpc2tEYXk6MjAyNi0xMy0wMTp4"}, ("BAD_USER_INPUT", ["after"])),
        ({"accountId": "1"}, ("BAD_USER_INPUT", ["accountId"])),
    ],
    ids=["backwards", "currency", "none", "many", "cursor", "no day", "account"],
)
async def test_what_is_no_question_of_days_is_refused(
    firm: Firm, given: dict[str, Any], refused: tuple[str, list[str]]
) -> None:
    assert await firm.api.refusal(DAYS, **given) == refused


async def test_whoever_may_not_see_positions_sees_no_history(firm: Firm) -> None:
    limit = await limited(firm)
    program = await firm.program(Scope.VIEW_ORDERS)

    assert (await program.refusal(CURVE, **asked(limit)))[0] == "FORBIDDEN"
    assert (await program.refusal(DAYS))[0] == "FORBIDDEN"
