"""Exposure, value at risk, stress, correlations and concentration, as a client meets them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.core.bars import Bar
from app.core.fix import BarInterval, InstrumentType, OptionRight
from app.core.messages import AccountKey
from app.identity.domain import Role, Scope
from app.infra.uow import begin_batch
from app.instruments import batch as instruments
from app.marketdata import bars_batch
from app.marketdata.bars import TimeRange
from tests import factories
from tests.graphql.conftest import Answer, Firm
from tests.graphql.test_profit_and_loss import ADJUST, show, transfer

BASIS = """
basis { currency mode positions isComplete arePricesStale accounts { id } leftOutAccounts { id } unvalued { gap } }
"""
EXPOSURE = f"""
query Exposure($accountIds: [ID!], $mode: BookMode, $currency: String) {{
  riskExposure(accountIds: $accountIds, mode: $mode, currency: $currency) {{
    {BASIS}
    total {{ gross net long short positions }}
    byCurrency {{ name exposure {{ net }} }} bySector {{ name exposure {{ net }} }}
    byInstrument {{ instrument {{ symbol }} exposure {{ net }} }} byAccount {{ account {{ id }} exposure {{ net }} }}
    greeks {{ underlying {{ symbol }} delta gamma vega theta }} unmodelled {{ gap }}
  }}
}}
"""
RISK = f"""
query Risk($confidence: Decimal, $horizonDays: Int, $days: Int, $decay: Decimal, $currency: String, $rate: Decimal) {{
  valueAtRisk(confidence: $confidence, horizonDays: $horizonDays, days: $days, decay: $decay, currency: $currency,
    riskFreeRate: $rate) {{
    {BASIS} confidence horizonDays observations firstDay lastDay carriedForward gross coveredGross isComplete
    constantCurrencies historical {{ valueAtRisk expectedShortfall reason }}
    parametric {{ valueAtRisk expectedShortfall reason }}
    contributions {{ instrument {{ symbol }} value componentValueAtRisk marginalValueAtRisk isModelled }}
    uncovered {{ instrument {{ symbol }} gap days }} unmodelled {{ gap }}
  }}
}}
"""
STRESS = """
query Stress($scenarios: [StressScenarioInput!], $past: [PastFall!]) {
  stressTest(scenarios: $scenarios, past: $past) {
    basis { currency }
    outcomes { name source priceShock volatilityShock pnl positions { instrument { symbol } pnl method gap } }
  }
}
"""
CORRELATIONS = """
query Together($ids: [ID!], $days: Int) {
  correlations(instrumentIds: $ids, days: $days) {
    observations reason rows { instrument { symbol } values } leftOut { instrument { symbol } gap }
  }
}
"""


async def hold(firm: Firm, symbol: str, quantity: str, price: str, *, key: AccountKey | None = None) -> None:
    """Puts a position into the books."""
    terms: dict[str, Any] = {"quantity": quantity, "price": price}
    if key is not None:
        terms["accountId"] = str(key.account_id)
    payload = (await firm.api.data(ADJUST, input=transfer(firm, symbol, **terms)))["adjustPosition"]
    assert payload["errors"] == []


async def keep_closes(firm: Firm, symbol: str, closes: Sequence[str]) -> None:
    """Keeps daily closes, the last of them yesterday's."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    first = today - timedelta(days=len(closes))
    bars = [
        Bar(
            time=first + timedelta(days=place),
            open=Decimal(close),
            high=Decimal(close),
            low=Decimal(close),
            close=Decimal(close),
            volume=Decimal(0),
        )
        for place, close in enumerate(closes)
    ]
    told, instrument_id = TimeRange(start=first, end=today), firm.instruments[symbol].id
    async with begin_batch(firm.desk.database, firm.key.tenant_id) as session:
        await bars_batch.keep(session, firm.key.tenant_id, instrument_id, BarInterval.DAY_1, told, bars)


def saw(count: int, low: str = "100", high: str = "101") -> list[str]:
    """Closes that go up and down."""
    return [low if place % 2 else high for place in range(count)]


async def restate(firm: Firm, symbol: str, **terms: Any) -> None:
    """Tells what else the broker says of an instrument."""
    async with begin_batch(firm.desk.database, firm.key.tenant_id) as session:
        ((_, found),) = await instruments.find(session, ids=[(firm.key.tenant_id, firm.instruments[symbol].id)])
        now = firm.desk.clock.now()
        await instruments.restate(session, firm.key.tenant_id, [replace(found, described_at=now, **terms)], now)


async def test_exposure_is_told_by_currency_sector_instrument_and_account(firm: Firm) -> None:
    await restate(firm, "AAPL", details={"industry": "Technology"})
    await hold(firm, "SAP", "-100", "200")
    await hold(firm, "AAPL", "10", "180")
    await show(firm, "SAP", "209", "211")
    await show(firm, "AAPL", "189", "191")
    await show(firm, "EUR.USD", "1.09", "1.11")

    found = (await firm.api.data(EXPOSURE))["riskExposure"]

    assert found["basis"] == {
        "currency": "USD",
        "mode": "PAPER",
        "positions": 2,
        "isComplete": True,
        "arePricesStale": False,
        "accounts": [{"id": str(firm.account_id)}],
        "leftOutAccounts": [],
        "unvalued": [],
    }
    assert found["total"] == {"gross": "25000", "net": "-21200", "long": "1900", "short": "23100", "positions": 2}
    assert found["byCurrency"] == [
        {"name": "EUR", "exposure": {"net": "-23100"}},
        {"name": "USD", "exposure": {"net": "1900"}},
    ]
    assert {one["name"]: one["exposure"]["net"] for one in found["bySector"]} == {None: "-23100", "Technology": "1900"}
    assert [one["instrument"]["symbol"] for one in found["byInstrument"]] == ["SAP", "AAPL"]
    assert found["byAccount"] == [{"account": {"id": str(firm.account_id)}, "exposure": {"net": "-21200"}}]


async def test_what_has_no_price_or_rate_is_said_and_in_no_sum(firm: Firm) -> None:
    await hold(firm, "SAP", "100", "200")
    await hold(firm, "AAPL", "10", "180")
    await show(firm, "SAP", "209", "211")

    found = (await firm.api.data(EXPOSURE))["riskExposure"]
    in_euros = (await firm.api.data(EXPOSURE, currency="EUR"))["riskExposure"]

    assert {one["gap"] for one in found["basis"]["unvalued"]} == {"NO_RATE", "NO_PRICE"}
    assert (found["basis"]["isComplete"], found["total"]["gross"]) == (False, "0")
    assert (in_euros["basis"]["currency"], in_euros["total"]["net"]) == ("EUR", "21000")


async def test_money_and_paper_are_not_added_up_unless_asked(firm: Firm) -> None:
    other = await factories.make_account(firm.desk.database, firm.key.tenant_id, client_id=9)
    async with begin_batch(firm.desk.database, firm.key.tenant_id) as session:
        await session.execute("UPDATE broker_accounts SET is_paper = false WHERE id = $1", other.account_id)
    await hold(firm, "AAPL", "10", "180")
    await hold(firm, "AAPL", "1", "180", key=other)
    await show(firm, "AAPL", "199", "201")
    both = [str(firm.account_id), str(other.account_id)]

    usual = (await firm.api.data(EXPOSURE))["riskExposure"]
    paper = (await firm.api.data(EXPOSURE, mode="PAPER"))["riskExposure"]
    added = (await firm.api.data(EXPOSURE, accountIds=both, mode="BOTH"))["riskExposure"]

    assert (usual["basis"]["mode"], usual["total"]["net"]) == ("LIVE", "200")
    assert usual["basis"]["leftOutAccounts"] == [{"id": str(firm.account_id)}]
    assert (paper["basis"]["mode"], paper["total"]["net"]) == ("PAPER", "2000")
    assert (added["basis"]["mode"], added["total"]["net"]) == ("BOTH", "2200")
    assert await firm.api.refusal(EXPOSURE, accountIds=both) == ("RISK_MODES_MIXED", ["accountIds"])


async def test_value_at_risk_of_closes_that_are_kept(firm: Firm) -> None:
    await hold(firm, "AAPL", "100", "100")
    await show(firm, "AAPL", "99.5", "100.5")
    await keep_closes(firm, "AAPL", saw(201))

    found = (await firm.api.data(RISK, confidence="0.99", horizonDays=4))["valueAtRisk"]

    # Every other day it falls from 101 to 100: 0.99 per cent of 10,000, twice for four days.
    assert found["historical"] == {"valueAtRisk": "198.02", "expectedShortfall": "198.02", "reason": None}
    assert (found["observations"], found["isComplete"], found["horizonDays"]) == (200, True, 4)
    assert found["parametric"]["valueAtRisk"] == found["contributions"][0]["componentValueAtRisk"]
    # The deviation of the two returns is 0.9976 per cent, and the quantile 2.3263.
    assert float(found["parametric"]["valueAtRisk"]) == pytest.approx(464.2, abs=0.1)
    assert (found["gross"], found["coveredGross"]) == ("10000", "10000")


async def test_without_enough_closes_there_is_no_figure_and_a_reason(firm: Firm) -> None:
    await hold(firm, "AAPL", "100", "100")
    await hold(firm, "MSFT", "100", "100")
    await show(firm, "AAPL", "99.5", "100.5")
    await show(firm, "MSFT", "99.5", "100.5")
    await keep_closes(firm, "AAPL", saw(20))

    nothing = (await firm.api.data(RISK))["valueAtRisk"]
    await keep_closes(firm, "AAPL", saw(51))
    some = (await firm.api.data(RISK, days=40))["valueAtRisk"]

    assert nothing["historical"] == nothing["parametric"]
    assert nothing["historical"] == {
        "valueAtRisk": None,
        "expectedShortfall": None,
        "reason": "No position has closes of more than 30 days that reach to now.",
    }
    assert {(one["instrument"]["symbol"], one["gap"], one["days"]) for one in nothing["uncovered"]} == {
        ("AAPL", "TOO_SHORT", 20),
        ("MSFT", "NO_HISTORY", 0),
    }
    assert some["historical"]["reason"] == ("40 daily returns were found that all positions share, and 100 are needed.")
    assert some["parametric"]["valueAtRisk"] is not None
    assert (some["isComplete"], some["coveredGross"], some["gross"]) == (False, "10000", "20000")


async def test_the_history_of_a_currency_counts_and_its_absence_is_said(firm: Firm) -> None:
    await hold(firm, "SAP", "100", "100")
    await show(firm, "SAP", "99", "101")
    await show(firm, "EUR.USD", "0.99", "1.01")
    await keep_closes(firm, "SAP", ["100"] * 121)

    constant = (await firm.api.data(RISK))["valueAtRisk"]
    await keep_closes(firm, "EUR.USD", saw(121, "1", "1.1"))
    moving = (await firm.api.data(RISK, days=120))["valueAtRisk"]

    assert (constant["constantCurrencies"], constant["isComplete"]) == (["EUR"], False)
    assert constant["historical"]["valueAtRisk"] == "0"
    assert (moving["constantCurrencies"], moving["isComplete"]) == ([], True)
    assert moving["historical"]["valueAtRisk"] == "909.09"


async def test_an_option_has_greeks_once_its_underlying_is_known(firm: Firm) -> None:
    underlying = firm.instruments["AAPL"].contract_id
    await restate(
        firm,
        "MSFT",
        strike=Decimal(100),
        option_right=OptionRight.CALL,
        expires_on=(datetime.now(UTC) + timedelta(days=90)).date(),
        underlying_contract_id=underlying,
    )
    async with begin_batch(firm.desk.database, firm.key.tenant_id) as session:
        await session.execute(
            "UPDATE instruments SET instrument_type = $1, multiplier = 100 WHERE id = $2 AND tenant_id = $3",
            InstrumentType.OPTION.value,
            firm.instruments["MSFT"].id,
            firm.key.tenant_id,
        )
    await hold(firm, "MSFT", "10", "4")
    await show(firm, "MSFT", "3.96", "4.00")

    # Asked otherwise than below, as the same question is answered alike for a second.
    unmodelled = (await firm.api.data(EXPOSURE, mode="PAPER"))["riskExposure"]
    await show(firm, "AAPL", "99.9", "100.1")
    found = (await firm.api.data(EXPOSURE))["riskExposure"]
    stressed = (await firm.api.data(STRESS, scenarios=[{"name": "fall", "priceShock": "-0.1"}]))["stressTest"]

    assert (unmodelled["greeks"], unmodelled["unmodelled"]) == ([], [{"gap": "NO_UNDERLYING"}])
    (greeks,) = found["greeks"]
    assert greeks["underlying"]["symbol"] == "AAPL"
    assert float(greeks["delta"]) == pytest.approx(52_000, rel=0.01)
    assert float(greeks["vega"]) == pytest.approx(199, rel=0.02)
    (position,) = stressed["outcomes"][0]["positions"]
    assert position["method"] == "REVALUED"
    assert -3980 < float(position["pnl"]) < -2500


async def test_scenarios_of_ones_own_and_of_the_past(firm: Firm) -> None:
    await hold(firm, "AAPL", "10", "100")
    await hold(firm, "SAP", "10", "100")
    for symbol in ("AAPL", "SAP"):
        await show(firm, symbol, "99", "101")
    await show(firm, "EUR.USD", "1.09", "1.11")
    mine = {
        "name": "mine",
        "priceShock": "-0.1",
        "instrumentShocks": [{"instrumentId": str(firm.instruments["AAPL"].id), "shock": "-0.5"}],
        "currencyShocks": [{"currency": "EUR", "shock": "0.1"}],
    }

    found = (await firm.api.data(STRESS, scenarios=[mine], past=["BLACK_MONDAY_1987"]))["stressTest"]

    own, past = found["outcomes"]
    # 1,000 lose a half, and 1,100 of the other become 1,100 x 0.9 x 1.1.
    assert (own["name"], own["pnl"], own["source"]) == ("mine", "-511", None)
    assert [(one["instrument"]["symbol"], one["pnl"]) for one in own["positions"]] == [("AAPL", "-500"), ("SAP", "-11")]
    assert (past["priceShock"], past["pnl"]) == ("-0.2047", "-429.87")
    assert "1987-10-19" in past["source"]


def shocks(kind: str, *given: dict[str, str]) -> list[Answer]:
    """A scenario of these shocks."""
    return [{"name": "x", kind: list(given)}]


NO_ID = "019a0000-0000-7000-8000-000000000001"


@pytest.mark.parametrize(
    ("scenarios", "path"),
    [
        ([], ["scenarios"]),
        ([{"name": "x"}] * 21, ["scenarios"]),
        ([{"name": " "}], ["scenarios", "0", "name"]),
        ([{"name": "x" * 101}], ["scenarios", "0", "name"]),
        ([{"name": "a\x00b"}], ["scenarios", "0", "name"]),
        ([{"name": "x", "priceShock": "-1.01"}], ["scenarios", "0", "priceShock"]),
        ([{"name": "x", "priceShock": "10.01"}], ["scenarios", "0", "priceShock"]),
        ([{"name": "x", "volatilityShock": "-1"}], ["scenarios", "0", "volatilityShock"]),
        (
            shocks("currencyShocks", {"currency": "EUR", "shock": "-1"}),
            ["scenarios", "0", "currencyShocks", "0", "shock"],
        ),
        (
            shocks("currencyShocks", {"currency": "ABC", "shock": "0"}),
            ["scenarios", "0", "currencyShocks", "0", "currency"],
        ),
        (
            shocks("sectorShocks", {"sector": "a", "shock": "0"}, {"sector": "a", "shock": "1"}),
            ["scenarios", "0", "sectorShocks", "1"],
        ),
        (
            shocks("sectorShocks", *({"sector": f"s{place}", "shock": "0"} for place in range(101))),
            ["scenarios", "0", "sectorShocks"],
        ),
        (
            shocks("instrumentShocks", {"instrumentId": "mine", "shock": "0"}),
            ["scenarios", "0", "instrumentShocks", "0", "instrumentId"],
        ),
    ],
)
async def test_a_scenario_out_of_bounds_is_refused_where_it_is_wrong(
    firm: Firm, scenarios: list[Answer], path: list[str]
) -> None:
    assert await firm.api.refusal(STRESS, scenarios=scenarios) == ("BAD_USER_INPUT", path)


async def test_an_instrument_of_another_tenant_is_unknown(firm: Firm, stranger: Firm) -> None:
    theirs = str(stranger.instruments["AAPL"].id)

    for one in (theirs, NO_ID):
        scenario = shocks("instrumentShocks", {"instrumentId": one, "shock": "0"})
        path = ["scenarios", "0", "instrumentShocks", "0", "instrumentId"]
        assert await firm.api.refusal(STRESS, scenarios=scenario) == ("INSTRUMENT_NOT_FOUND", path)
        assert await firm.api.refusal(CORRELATIONS, ids=[one]) == ("INSTRUMENT_NOT_FOUND", ["instrumentIds", "0"])
    for account in (str(stranger.account_id), NO_ID):
        assert await firm.api.refusal(EXPOSURE, accountIds=[account]) == ("ACCOUNT_NOT_FOUND", ["accountIds", "0"])


@pytest.mark.parametrize(
    ("terms", "path"),
    [
        ({"confidence": "0.79"}, "confidence"),
        ({"confidence": "1"}, "confidence"),
        ({"confidence": "-5"}, "confidence"),
        ({"horizonDays": 0}, "horizonDays"),
        ({"horizonDays": 61}, "horizonDays"),
        ({"days": 29}, "days"),
        ({"days": 1001}, "days"),
        ({"decay": "1"}, "decay"),
        ({"decay": "0"}, "decay"),
        ({"rate": "0.51"}, "riskFreeRate"),
        ({"currency": "usd"}, "currency"),
        ({"currency": "\u0000"}, "currency"),
    ],
)
async def test_terms_out_of_bounds_are_refused(firm: Firm, terms: dict[str, Any], path: str) -> None:
    assert await firm.api.refusal(RISK, **terms) == ("BAD_USER_INPUT", [path])


@pytest.mark.parametrize("confidence", ["NaN", "Infinity", "1e-1", 0.99])
async def test_what_is_no_plain_number_is_refused(firm: Firm, confidence: Any) -> None:
    code, _ = await firm.api.refusal(RISK, confidence=confidence)

    assert code == "BAD_USER_INPUT"


async def test_correlations_of_instruments_and_of_what_is_held(firm: Firm) -> None:
    await hold(firm, "AAPL", "10", "100")
    await show(firm, "AAPL", "99", "101")
    await keep_closes(firm, "AAPL", saw(60))
    await keep_closes(firm, "MSFT", saw(60, "200", "198"))
    ids = [str(firm.instruments[symbol].id) for symbol in ("AAPL", "MSFT", "SAP")]

    held = (await firm.api.data(CORRELATIONS))["correlations"]
    named = (await firm.api.data(CORRELATIONS, ids=ids))["correlations"]
    nothing = (await firm.api.data(CORRELATIONS, ids=ids[2:]))["correlations"]

    assert held["rows"] == [{"instrument": {"symbol": "AAPL"}, "values": ["1"]}]
    assert named["observations"] == 59
    assert [one["instrument"]["symbol"] for one in named["rows"]] == ["AAPL", "MSFT"]
    assert float(named["rows"][0]["values"][1]) == pytest.approx(-1, abs=0.001)
    assert named["leftOut"] == [{"instrument": {"symbol": "SAP"}, "gap": "NO_HISTORY"}]
    assert nothing["rows"] == []
    assert nothing["reason"] is not None


async def test_too_many_instruments_are_refused(firm: Firm) -> None:
    assert await firm.api.refusal(CORRELATIONS, ids=[NO_ID] * 51) == ("BAD_USER_INPUT", ["instrumentIds"])


async def test_concentration_of_what_is_held(firm: Firm) -> None:
    for symbol, quantity in (("AAPL", "30"), ("MSFT", "10")):
        await hold(firm, symbol, quantity, "100")
        await show(firm, symbol, "99", "101")

    found = (
        await firm.api.data(
            "{ concentration { byInstrument { herfindahl effectiveNames largestShare names } "
            "instruments(first: 1) { instrument { symbol } value share } byCurrency { herfindahl } } }"
        )
    )["concentration"]

    assert found == {
        "byInstrument": {"herfindahl": "0.625", "effectiveNames": "1.6", "largestShare": "0.75", "names": 2},
        "instruments": [{"instrument": {"symbol": "AAPL"}, "value": "3000", "share": "0.75"}],
        "byCurrency": {"herfindahl": "1"},
    }


async def test_whoever_may_see_positions_sees_their_risk(firm: Firm) -> None:
    viewer = await firm.member(Role.VIEWER)
    program = await firm.program(Scope.VIEW_ORDERS)

    assert (await viewer.data(EXPOSURE))["riskExposure"]["total"]["positions"] == 0
    assert (await program.refusal(EXPOSURE))[0] == "FORBIDDEN"
