"""Positions in two currencies, profit and loss, adjustments and exchange rates, as a client meets them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.core.messages import Tick
from app.flows.journal.verify_journal import differences
from app.flows.live import follow_live_positions
from app.identity.domain import Role, Scope
from app.marketdata import service as marketdata
from tests.graphql.conftest import Answer, Firm, Socket

ADJUST = """
mutation Adjust($input: AdjustPositionInput!) {
  adjustPosition(input: $input) {
    adjustment {
      id type quantity price ratio reason idempotencyKey quantityBefore quantityAfter averagePriceBefore
      averagePriceAfter realizedPnl realizedPnlBase baseRate adjustedBy afterSequence
      account { id } instrument { symbol }
    }
    errors { code path }
  }
}
"""
POSITIONS = """
{ positions(includeFlat: true) {
  id quantity averagePrice currency baseCurrency marketPrice marketValue unrealizedPnl realizedPnl
  fxRate { base quote rate isStale } marketValueBase unrealizedPnlBase realizedPnlBase commissionBase
} }
"""
DAY = """
query Day($account: ID) { pnlToday(accountId: $account) {
  date currency realized unrealized commission net isComplete missingRates areRatesStale
  byInstrument { instrument { symbol } realized unrealized commission net }
  unconverted { currency realized unrealized instrument { symbol } }
} }
"""
SNAPSHOT = """
mutation Snapshot($input: CreatePnlSnapshotInput!) {
  createPnlSnapshot(input: $input) {
    pnlSnapshot { id at realized unrealized commission net equity drawdown isDayEnd account { id } }
    errors { code path }
  }
}
"""
HISTORY = """
query History($account: ID, $start: DateTime!, $end: DateTime!) {
  pnlHistory(accountId: $account, start: $start, end: $end) { id net }
}
"""


async def show(firm: Firm, symbol: str, bid: str, ask: str, *, age: timedelta = timedelta()) -> None:
    """What the market shows from now on."""
    tick = Tick(
        instrument_id=firm.instruments[symbol].id,
        symbol=symbol,
        bid=Decimal(bid),
        ask=Decimal(ask),
        time=datetime.now(UTC) - age,
    )
    await marketdata.publish_ticks(firm.desk.redis, firm.key.tenant_id, [tick])


def transfer(firm: Firm, symbol: str = "SAP", **terms: Any) -> dict[str, Any]:
    """The input of a transfer of a hundred units."""
    return {
        "accountId": str(firm.account_id),
        "instrumentId": str(firm.instruments[symbol].id),
        "type": "TRANSFER",
        "quantity": "100",
        "price": "200",
        "reason": "moved here from another broker",
        "idempotencyKey": f"test-{firm.desk.ids.new().hex}",
        **terms,
    }


async def adjust(firm: Firm, **terms: Any) -> Answer:
    """The payload of an adjustment."""
    payload: Answer = (await firm.api.data(ADJUST, input=transfer(firm, **terms)))["adjustPosition"]
    return payload


async def test_a_position_is_told_in_its_own_and_in_base_currency(firm: Firm) -> None:
    await adjust(firm)
    await show(firm, "SAP", "209", "211")
    await show(firm, "EUR.USD", "1.09", "1.11")

    (position,) = (await firm.api.data(POSITIONS))["positions"]

    del position["id"]
    assert position == {
        "quantity": "100",
        "averagePrice": "200",
        "currency": "EUR",
        "baseCurrency": "USD",
        "marketPrice": "210",
        "marketValue": "21000",
        "unrealizedPnl": "1000",
        "realizedPnl": "0",
        "fxRate": {"base": "EUR", "quote": "USD", "rate": "1.1", "isStale": False},
        "marketValueBase": "23100",
        "unrealizedPnlBase": "1100",
        "realizedPnlBase": "0",
        "commissionBase": "0",
    }


async def test_without_a_rate_the_base_figures_are_null_and_nothing_is_one_to_one(firm: Firm) -> None:
    await adjust(firm)
    await adjust(firm, type="EXPIRY", quantity="-40", price="210")
    await show(firm, "SAP", "209", "211")

    (position,) = (await firm.api.data(POSITIONS))["positions"]
    partial = await firm.api.data(
        """{ pnlToday {
          currency isComplete missingRates byInstrument { net }
          unconverted { currency realized unrealized instrument { symbol } }
        } }"""
    )
    refused = await firm.api.error("{ pnlToday { net } }")

    assert (position["unrealizedPnl"], position["realizedPnl"]) == ("600", "400")
    unknown = ("fxRate", "marketValueBase", "unrealizedPnlBase", "realizedPnlBase")
    assert [position[name] for name in unknown] == [None] * len(unknown)
    assert partial["pnlToday"] == {
        "currency": "USD",
        "isComplete": False,
        "missingRates": ["EUR"],
        "byInstrument": [],
        "unconverted": [{"currency": "EUR", "realized": "400", "unrealized": "600", "instrument": {"symbol": "SAP"}}],
    }
    assert refused["extensions"]["code"] == "FX_RATE_MISSING"
    assert refused["extensions"]["missing"] == ["EUR"]


async def test_an_old_rate_is_shown_as_stale_and_converts(firm: Firm) -> None:
    await adjust(firm)
    await show(firm, "SAP", "209", "211")
    await show(firm, "EUR.USD", "1.09", "1.11", age=timedelta(hours=1))

    (position,) = (await firm.api.data(POSITIONS))["positions"]
    (rate,) = (await firm.api.data("{ fxRates { base quote rate at isStale } }"))["fxRates"]
    day = (await firm.api.data(DAY))["pnlToday"]

    assert position["fxRate"]["isStale"] is True
    assert position["unrealizedPnlBase"] == "1100"
    assert (rate["base"], rate["quote"], rate["rate"], rate["isStale"]) == ("EUR", "USD", "1.1", True)
    assert (day["unrealized"], day["areRatesStale"]) == ("1100", True)


async def test_profit_and_loss_of_the_day_by_instrument(firm: Firm) -> None:
    await show(firm, "EUR.USD", "1.09", "1.11")
    await firm.api.data(SNAPSHOT, input={"accountId": str(firm.account_id)})
    await adjust(firm)
    await adjust(firm, type="EXPIRY", quantity="-40", price="210")
    await adjust(firm, symbol="AAPL", quantity="-10", price="230")
    await show(firm, "SAP", "204", "206")
    await show(firm, "AAPL", "229", "230")

    day = (await firm.api.data(DAY, account=str(firm.account_id)))["pnlToday"]

    assert day.pop("date")
    by_instrument = sorted(day.pop("byInstrument"), key=lambda one: str(one["instrument"]["symbol"]))
    assert day == {
        "currency": "USD",
        "realized": "440",
        "unrealized": "335",
        "commission": "0",
        "net": "775",
        "isComplete": True,
        "missingRates": [],
        "areRatesStale": False,
        "unconverted": [],
    }
    assert by_instrument == [
        {"instrument": {"symbol": "AAPL"}, "realized": "0", "unrealized": "5", "commission": "0", "net": "5"},
        {"instrument": {"symbol": "SAP"}, "realized": "440", "unrealized": "330", "commission": "0", "net": "770"},
    ]


async def test_a_tenant_without_anything_has_earned_nothing(firm: Firm) -> None:
    day = (await firm.api.data(DAY))["pnlToday"]

    assert (day["currency"], day["net"], day["byInstrument"], day["isComplete"]) == ("USD", "0", [], True)


async def test_a_snapshot_is_taken_told_and_found_again(firm: Firm) -> None:
    await adjust(firm, symbol="AAPL", quantity="10", price="230")
    await show(firm, "AAPL", "240", "240")
    before = datetime.now(UTC) - timedelta(seconds=2)

    payload = (await firm.api.data(SNAPSHOT, input={"accountId": str(firm.account_id)}))["createPnlSnapshot"]
    span = {"start": before.isoformat(), "end": (before + timedelta(minutes=1)).isoformat()}
    history = await firm.api.data(HISTORY, account=str(firm.account_id), **span)
    node = await firm.api.data(
        "query Node($id: ID!) { node(id: $id) { id ... on PnlSnapshot { net } } }", id=payload["pnlSnapshot"]["id"]
    )

    snapshot = payload["pnlSnapshot"]
    assert payload["errors"] == []
    told = {name: snapshot[name] for name in ("realized", "unrealized", "commission", "net", "equity", "drawdown")}
    assert told == {
        "realized": "0",
        "unrealized": "100",
        "commission": "0",
        "net": "100",
        "equity": "1000",
        "drawdown": "0",
    }
    assert snapshot["account"]["id"] == str(firm.account_id)
    assert history["pnlHistory"] == [{"id": snapshot["id"], "net": "100"}]
    assert node["node"] == {"id": snapshot["id"], "net": "100"}


async def test_a_snapshot_without_a_rate_is_an_error_of_the_payload(firm: Firm) -> None:
    await adjust(firm)
    await show(firm, "SAP", "209", "211")

    payload = (await firm.api.data(SNAPSHOT, input={"accountId": str(firm.account_id)}))["createPnlSnapshot"]

    assert payload == {"pnlSnapshot": None, "errors": [{"code": "FX_RATE_MISSING", "path": []}]}


async def test_an_adjustment_is_booked_listed_and_found_again(firm: Firm) -> None:
    await show(firm, "EUR.USD", "1.09", "1.11")
    await firm.api.data(SNAPSHOT, input={"accountId": str(firm.account_id)})
    first = await adjust(firm)
    second = await adjust(firm, type="EXPIRY", quantity=None, price="190", reason="delisted")

    listed = await firm.api.data(
        """query Listed($account: ID, $after: String) {
          positionAdjustments(accountId: $account, first: 1, after: $after) {
            totalCount pageInfo { hasNextPage endCursor } edges { node { id reason } }
          }
        }""",
        account=str(firm.account_id),
    )
    page = listed["positionAdjustments"]
    rest = await firm.api.data(
        "query Rest($after: String) { positionAdjustments(after: $after) { edges { node { id } } } }",
        after=page["pageInfo"]["endCursor"],
    )
    node = await firm.api.data(
        "query Node($id: ID!) { node(id: $id) { ... on PositionAdjustment { reason } } }", id=first["adjustment"]["id"]
    )

    booked = second["adjustment"]
    assert second["errors"] == first["errors"] == []
    assert (booked["quantityBefore"], booked["quantityAfter"]) == ("100", "0")
    assert (booked["realizedPnl"], booked["realizedPnlBase"], booked["baseRate"]) == ("-1000", "-1100", "1.1")
    assert booked["adjustedBy"] == firm.principal.actor
    assert booked["afterSequence"] == first["adjustment"]["afterSequence"] == 0
    assert (page["totalCount"], page["pageInfo"]["hasNextPage"]) == (2, True)
    assert page["edges"] == [{"node": {"id": booked["id"], "reason": "delisted"}}]
    assert rest["positionAdjustments"]["edges"] == [{"node": {"id": first["adjustment"]["id"]}}]
    assert node["node"] == {"reason": "moved here from another broker"}


async def test_the_same_key_answers_the_first_adjustment_or_conflicts(firm: Firm) -> None:
    asked = transfer(firm)

    first = (await firm.api.data(ADJUST, input=asked))["adjustPosition"]
    again = (await firm.api.data(ADJUST, input=asked))["adjustPosition"]
    other = (await firm.api.data(ADJUST, input={**asked, "quantity": "99"}))["adjustPosition"]

    assert again["adjustment"]["id"] == first["adjustment"]["id"]
    assert other == {
        "adjustment": None,
        "errors": [{"code": "POSITION_ADJUSTMENT_CONFLICT", "path": ["idempotencyKey"]}],
    }
    (position,) = (await firm.api.data(POSITIONS))["positions"]
    assert position["quantity"] == "100"


@pytest.mark.parametrize(
    ("terms", "code", "path"),
    [
        ({"reason": "  "}, "POSITION_ADJUSTMENT_INVALID", ["reason"]),
        ({"reason": "x" * 501}, "POSITION_ADJUSTMENT_INVALID", ["reason"]),
        ({"idempotencyKey": ""}, "POSITION_ADJUSTMENT_INVALID", ["idempotencyKey"]),
        ({"idempotencyKey": "schlüssel"}, "POSITION_ADJUSTMENT_INVALID", ["idempotencyKey"]),
        ({"type": "SPLIT"}, "POSITION_ADJUSTMENT_INVALID", ["ratio"]),
        (
            {"type": "SPLIT", "quantity": None, "price": None, "ratio": "2"},
            "POSITION_ADJUSTMENT_INVALID",
            ["instrumentId"],
        ),
        ({"effectiveAt": "2999-01-01T00:00:00Z"}, "POSITION_ADJUSTMENT_INVALID", ["effectiveAt"]),
        ({"accountId": "nonsense"}, "BAD_USER_INPUT", ["accountId"]),
        ({"accountId": "01890000-0000-7000-8000-000000000000"}, "ACCOUNT_NOT_FOUND", ["accountId"]),
        ({"instrumentId": "01890000-0000-7000-8000-000000000000"}, "INSTRUMENT_NOT_FOUND", ["instrumentId"]),
    ],
)
async def test_what_a_person_gets_wrong_comes_back_with_its_path(
    firm: Firm, terms: dict[str, Any], code: str, path: list[str]
) -> None:
    payload = await adjust(firm, **terms)

    assert payload == {"adjustment": None, "errors": [{"code": code, "path": path}]}
    assert (await firm.api.data("{ positionAdjustments { totalCount } }"))["positionAdjustments"]["totalCount"] == 0


async def test_who_may_look_may_not_adjust(firm: Firm) -> None:
    trader = await firm.member(Role.TRADER)
    manager = await firm.member(Role.MANAGER)
    program = await firm.program(Scope.VIEW_ORDERS)

    assert (await trader.refusal(ADJUST, input=transfer(firm)))[0] == "FORBIDDEN"
    assert (await manager.data(ADJUST, input=transfer(firm)))["adjustPosition"]["errors"] == []
    for document in (
        "{ pnlToday { net } }",
        "{ positionAdjustments { totalCount } }",
        '{ pnlHistory(start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z") { id } }',
        "{ fxRates { rate } }",
    ):
        assert (await program.refusal(document))[0] == "FORBIDDEN"


async def test_what_is_anothers_is_answered_as_unknown(firm: Firm, stranger: Firm) -> None:
    booked = await adjust(firm)
    theirs = str(firm.account_id)
    span = {"start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"}

    assert await stranger.api.refusal(DAY, account=theirs) == ("ACCOUNT_NOT_FOUND", ["accountId"])
    assert await stranger.api.refusal(HISTORY, account=theirs, **span) == ("ACCOUNT_NOT_FOUND", ["accountId"])
    snapshot = await stranger.api.data(SNAPSHOT, input={"accountId": theirs})
    adjusted = await stranger.api.data(ADJUST, input={**transfer(stranger), "accountId": theirs})
    across = await stranger.api.data(
        ADJUST, input={**transfer(stranger), "instrumentId": str(firm.instruments["SAP"].id)}
    )
    node = await stranger.api.data("query Node($id: ID!) { node(id: $id) { id } }", id=booked["adjustment"]["id"])
    assert snapshot["createPnlSnapshot"]["errors"] == [{"code": "ACCOUNT_NOT_FOUND", "path": ["accountId"]}]
    assert adjusted["adjustPosition"]["errors"] == [{"code": "ACCOUNT_NOT_FOUND", "path": ["accountId"]}]
    assert across["adjustPosition"]["errors"] == [{"code": "INSTRUMENT_NOT_FOUND", "path": ["instrumentId"]}]
    assert node["node"] is None


async def test_a_history_has_a_range_of_at_most_a_year(firm: Firm) -> None:
    span = {"start": "2026-01-02T00:00:00Z", "end": "2026-01-01T00:00:00Z"}

    assert await firm.api.refusal(HISTORY, **span) == ("PNL_RANGE_INVALID", ["end"])
    assert await firm.api.refusal(HISTORY, **{**span, "end": "2027-01-04T00:00:00Z"}) == ("PNL_RANGE_INVALID", ["end"])


@pytest.mark.usefixtures("relayed")
async def test_order_events_have_no_hole_where_positions_were_adjusted(firm: Firm) -> None:
    follow = (
        "subscription Log($account: ID!, $after: Int) { orderEvents(accountId: $account, afterSequence: $after) "
        "{ sequence type order { id } } }"
    )
    account = str(firm.account_id)
    await adjust(firm)

    async with firm.api.socket() as opened:
        await opened.subscribe(follow, account=account, after=0)
        live: list[Answer] = []
        for _ in range(3):
            placed = await firm.api.place(**firm.order())
            await adjust(firm)
            await adjust(firm, symbol="AAPL", quantity="-10", price="230")
            live.append((await opened.next_data())["orderEvents"])
            assert live[-1]["order"]["id"] == placed["order"]["id"]
    async with firm.api.socket() as opened:
        await opened.subscribe(follow, account=account, after=0)
        logged = [(await opened.next_data())["orderEvents"] for _ in range(3)]

    assert [(one["sequence"], one["type"]) for one in live] == [(place, "OrderPlaced") for place in (1, 2, 3)]
    assert logged == live
    assert await differences(firm.desk.database, firm.key.tenant_id, firm.account_id) == []


async def test_positions_of_then_have_the_adjustments_of_then_though_the_log_is_empty(firm: Firm) -> None:
    document = "query P($at: DateTime) { positions(asOf: $at) { quantity averagePrice } }"
    before = firm.desk.clock.now()
    await adjust(firm)
    between = firm.desk.clock.now()
    await adjust(firm, quantity="50", price="230")

    held = [
        (await firm.api.data(document, at=at.isoformat()))["positions"]
        for at in (before, between, firm.desk.clock.now())
    ]

    assert held == [
        [],
        [{"quantity": "100", "averagePrice": "200"}],
        [{"quantity": "150", "averagePrice": "210"}],
    ]


@pytest.mark.usefixtures("relayed")
async def test_an_adjustment_is_heard_of_where_positions_are_followed(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow_live_positions, "COMPARE_S", 3_600.0)
    async with firm.api.socket() as opened:
        await opened.subscribe(
            "subscription { positionsChanged(throttleMs: 250) { kind upserts { quantity } removedIds } }"
        )
        first = (await opened.next_data())["positionsChanged"]
        await adjust(firm)
        held = await next_delta(opened)
        await adjust(firm, type="EXPIRY", quantity=None, price="190")
        gone = await next_delta(opened)

    assert (first["kind"], first["upserts"]) == ("SNAPSHOT", [])
    assert held["upserts"] == [{"quantity": "100"}]
    assert (gone["upserts"], len(gone["removedIds"])) == ([], 1)


async def next_delta(opened: Socket) -> Answer:
    """The next batch of a live table that tells of a change."""
    while True:
        batch: Answer = (await opened.next_data())["positionsChanged"]
        if batch["kind"] == "DELTA":
            return batch


async def test_rates_stay_when_the_quotes_are_gone(firm: Firm) -> None:
    await adjust(firm)
    await show(firm, "EUR.USD", "1.09", "1.11")
    await firm.api.data(SNAPSHOT, input={"accountId": str(firm.account_id)})
    key = firm.desk.redis.prefix + f"quotes:{firm.key.tenant_id}"
    await firm.desk.redis.client.delete(key)

    (position,) = (await firm.api.data(POSITIONS))["positions"]

    assert position["fxRate"]["rate"] == "1.1"
    assert position["marketValueBase"] == "22000"
