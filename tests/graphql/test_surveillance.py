"""Surveillance from the tables to a closed case: found once, taken, noted, closed by two persons who did not trade."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.core.bars import Bar
from app.core.fix import BarInterval, Side
from app.core.messages import Tick
from app.flows.compliance.watch_orders import SETTLED, watch
from app.identity.domain import Role, Scope
from app.infra.uow import begin_batch
from app.marketdata import bars_batch
from app.marketdata import service as marketdata
from app.marketdata.bars import TimeRange, floor
from tests.graphql.conftest import Api, Broker, Firm
from tests.graphql.test_restricted_lists import make

CASES = """
query Cases($states: [SurveillanceCaseState!], $kinds: [SurveillanceCaseKind!], $first: Int, $after: String) {
  surveillanceCases(states: $states, kinds: $kinds, first: $first, after: $after) {
    totalCount pageInfo { endCursor } edges { node { id kind state summary orderIds executionIds version } }
  }
}
"""
CASE = "query C($id: ID!) { surveillanceCase(caseId: $id) { case { state } notes { note writtenBy } } }"
PAYLOAD = "{ case { id state assignee disposition proposedBy closedBy version } errors { code path } }"
TAKE = f"mutation T($input: TakeSurveillanceCaseInput!) {{ takeSurveillanceCase(input: $input) {PAYLOAD} }}"
NOTE = f"mutation N($input: WriteSurveillanceNoteInput!) {{ writeSurveillanceNote(input: $input) {PAYLOAD} }}"
CLOSE = f"mutation C($input: CloseSurveillanceCaseInput!) {{ closeSurveillanceCase(input: $input) {PAYLOAD} }}"
UNKNOWN = "01900000-0000-7000-8000-00000000dead"


async def look(firm: Firm) -> int:
    """Looks through the firm's orders as if they had settled."""
    now = firm.desk.clock.now() + SETTLED + timedelta(seconds=1)
    return await watch(firm.desk.database, firm.key.tenant_id, now=now, ids=firm.desk.ids)


async def washed(firm: Firm, broker: Broker) -> list[str]:
    """A buy and a sale at one price."""
    placed = [await firm.api.place(**firm.order(side=side)) for side in ("BUY", "SELL")]
    ids = [str(one["order"]["id"]) for one in placed]
    await broker.claim()
    for order_id, side in zip(ids, (Side.BUY, Side.SELL), strict=True):
        await broker.fill(order_id, "10", "187.5", side)
    return ids


async def call(api: Api, document: str, **given: Any) -> Any:
    """The payload of a mutation."""
    [payload] = (await api.data(document, input=given)).values()
    return payload


async def test_a_wash_trade_and_a_touch_are_found_once(firm: Firm, broker: Broker) -> None:
    orders = await washed(firm, broker)
    await make(firm, "MSFT", kind="NOTIFY")
    touched = await firm.api.place(**firm.order(symbol="MSFT", limitPrice="100"))

    opened = [await look(firm), await look(firm)]
    found = (await firm.api.data(CASES))["surveillanceCases"]
    washes = (await firm.api.data(CASES, kinds=["WASH_TRADE"], states=["OPEN"]))["surveillanceCases"]
    first = (await firm.api.data(CASES, first=1))["surveillanceCases"]
    rest = (await firm.api.data(CASES, after=first["pageInfo"]["endCursor"]))["surveillanceCases"]

    assert opened == [2, 0]
    assert {edge["node"]["kind"] for edge in found["edges"]} == {"WASH_TRADE", "RESTRICTED_TOUCH"}
    [wash] = washes["edges"]
    assert wash["node"]["orderIds"] == orders
    assert len(wash["node"]["executionIds"]) == 2
    [touch] = [edge for edge in found["edges"] if edge["node"]["kind"] == "RESTRICTED_TOUCH"]
    assert touch["node"]["orderIds"] == [touched["order"]["id"]]
    assert (found["totalCount"], len(first["edges"]), len(rest["edges"])) == (2, 1, 1)


async def quoted(firm: Firm, volume: str) -> None:
    """A quote with what the day has dealt until now."""
    tick = Tick(
        instrument_id=firm.instruments["AAPL"].id,
        symbol="AAPL",
        last=Decimal("187.5"),
        volume=Decimal(volume),
        time=firm.desk.clock.now(),
    )
    await marketdata.publish_ticks(firm.desk.redis, firm.key.tenant_id, [tick])


async def day_bars(firm: Firm, *volumes: str) -> None:
    """The bars of the last days, the newest first."""
    today = floor(firm.desk.clock.now(), BarInterval.DAY_1)
    price = Decimal(100)
    bars = [
        Bar(time=today - timedelta(days=back), open=price, high=price, low=price, close=price, volume=Decimal(volume))
        for back, volume in enumerate(volumes, start=1)
    ]
    whole = TimeRange(start=today - timedelta(days=len(volumes) + 1), end=today)
    async with begin_batch(firm.desk.database, firm.key.tenant_id) as session:
        instrument_id = firm.instruments["AAPL"].id
        await bars_batch.keep(session, firm.key.tenant_id, instrument_id, BarInterval.DAY_1, whole, bars)


@pytest.mark.parametrize(
    ("volume_now", "volumes", "share"),
    [
        ("100", (), "10%"),
        ("101", (), None),
        ("100", ("500", "1500"), None),
        ("1000", ("0", "25", "15"), "50%"),
    ],
    ids=["of the day until then", "just less of it", "of whole days, far less", "of whole days that dealt"],
)
async def test_a_large_order_is_held_against_whole_days_or_the_day_until_then(
    firm: Firm, volume_now: str, volumes: tuple[str, ...], share: str | None
) -> None:
    await quoted(firm, volume_now)
    await day_bars(firm, *volumes)
    placed = await firm.api.place(**firm.order())

    opened = await look(firm)

    found = (await firm.api.data(CASES, kinds=["LARGE_ORDER"]))["surveillanceCases"]["edges"]
    assert opened == len(found) == (share is not None)
    for edge in found:
        assert edge["node"]["orderIds"] == [placed["order"]["id"]]
        assert edge["node"]["summary"] == f"an order to BUY for {share} of the day's volume"


async def test_two_persons_close_a_case_and_none_of_them_traded(firm: Firm, broker: Broker) -> None:
    await washed(firm, broker)
    await look(firm)
    [edge] = (await firm.api.data(CASES))["surveillanceCases"]["edges"]
    case_id = edge["node"]["id"]
    officer, second = await firm.member(Role.COMPLIANCE), await firm.member(Role.COMPLIANCE)
    given = {"caseId": case_id, "disposition": "VIOLATION", "reason": "seen on the tape"}

    taken = await call(officer, TAKE, caseId=case_id, expectedVersion=1)
    await call(officer, NOTE, caseId=case_id, note="asked the desk")
    own = await call(firm.api, CLOSE, **given)
    proposed = await call(officer, CLOSE, **given)
    again = await call(officer, CLOSE, **given)
    otherwise = await call(second, CLOSE, **{**given, "disposition": "NO_VIOLATION"})
    closed = await call(officer, CLOSE, **{**given, "disposition": "NO_VIOLATION"})
    late = await call(second, CLOSE, **given)
    file = (await officer.data(CASE, id=case_id))["surveillanceCase"]

    assert (taken["case"]["state"], taken["case"]["version"]) == ("UNDER_REVIEW", 2)
    assert own["errors"] == [{"code": "SURVEILLANCE_CASE_OF_OWN", "path": ["caseId"]}]
    assert [one["case"]["state"] for one in (proposed, again, otherwise)] == ["UNDER_REVIEW"] * 3
    assert closed["case"]["state"] == "CLOSED"
    assert closed["case"]["disposition"] == "NO_VIOLATION"
    assert closed["case"]["closedBy"] != closed["case"]["proposedBy"]
    assert late["errors"] == [{"code": "SURVEILLANCE_CASE_INVALID", "path": ["caseId"]}]
    assert [one["note"] for one in file["notes"]] == ["asked the desk"]
    assert await look(firm) == 0


async def test_who_traded_by_an_api_key_says_nothing_of_the_case(firm: Firm, broker: Broker) -> None:
    await washed(replace(firm, api=await firm.program(Scope.PLACE_ORDERS)), broker)
    await look(firm)
    [edge] = (await firm.api.data(CASES))["surveillanceCases"]["edges"]

    own = await call(firm.api, CLOSE, caseId=edge["node"]["id"], disposition="NO_VIOLATION", reason="mine")

    assert own["errors"] == [{"code": "SURVEILLANCE_CASE_OF_OWN", "path": ["caseId"]}]


async def test_who_touched_a_restricted_name_with_the_order_of_another_says_nothing_of_it(
    firm: Firm, broker: Broker
) -> None:
    trader = await firm.member(Role.TRADER)
    staged = await trader.place(**firm.order(staged=True))
    await make(firm, "AAPL", kind="NOTIFY")
    release = "mutation R($input: ReleaseOrdersInput!) { releaseOrders(input: $input) { results { errors { code } } } }"
    await firm.api.data(release, input={"orderIds": [staged["order"]["id"]]})
    await look(firm)
    [edge] = (await firm.api.data(CASES))["surveillanceCases"]["edges"]

    own = await call(firm.api, CLOSE, caseId=edge["node"]["id"], disposition="NO_VIOLATION", reason="mine")

    assert own["errors"] == [{"code": "SURVEILLANCE_CASE_OF_OWN", "path": ["caseId"]}]


async def test_a_person_and_their_api_key_are_one_for_the_watch(firm: Firm, broker: Broker) -> None:
    robot = await firm.program(Scope.PLACE_ORDERS)
    layers = [await robot.place(**firm.order(side="SELL", limitPrice=str(190 + one))) for one in range(4)]
    bought = await firm.api.place(**firm.order())
    cancel = "mutation C($input: CancelOrderInput!) { cancelOrder(input: $input) { errors { code } } }"
    for layer in layers:
        await firm.api.data(cancel, input={"orderId": layer["order"]["id"]})
    await broker.claim()
    await broker.fill(bought["order"]["id"], "10", "187.5", Side.BUY)

    await look(firm)
    found = (await firm.api.data(CASES))["surveillanceCases"]

    assert [edge["node"]["kind"] for edge in found["edges"]] == ["LAYERING"]


@pytest.mark.parametrize("note", ["", " ", "\u200b", "a\u0000", "x" * 2001])
async def test_a_note_that_says_nothing_is_refused(firm: Firm, broker: Broker, note: str) -> None:
    await washed(firm, broker)
    await look(firm)
    [edge] = (await firm.api.data(CASES))["surveillanceCases"]["edges"]

    payload = await call(firm.api, NOTE, caseId=edge["node"]["id"], note=note)

    assert payload["errors"] == [{"code": "SURVEILLANCE_CASE_INVALID", "path": ["note"]}]


async def test_another_firms_case_is_unknown_and_traders_see_none(firm: Firm, broker: Broker, stranger: Firm) -> None:
    await washed(firm, broker)
    await look(firm)
    [edge] = (await firm.api.data(CASES))["surveillanceCases"]["edges"]
    case_id = edge["node"]["id"]

    for one in (case_id, UNKNOWN, "1"):
        close = {"caseId": one, "disposition": "NO_VIOLATION", "reason": "x"}
        answers = [
            await call(stranger.api, TAKE, caseId=one),
            await call(stranger.api, NOTE, caseId=one, note="x"),
            await call(stranger.api, CLOSE, **close),
        ]
        assert [answer["errors"][0]["code"] for answer in answers] == ["SURVEILLANCE_CASE_NOT_FOUND"] * 3
        assert (await stranger.api.refusal(CASE, id=one))[0] == "SURVEILLANCE_CASE_NOT_FOUND"
    moved = await call(firm.api, TAKE, caseId=case_id, expectedVersion=9)
    assert moved["errors"][0]["code"] == "SURVEILLANCE_CASE_VERSION_CONFLICT"
    trader = await firm.member(Role.TRADER)
    assert (await trader.refusal(CASES))[0] == "FORBIDDEN"


async def test_who_watches_hears_of_cases_and_alerts_and_traders_do_not(
    firm: Firm, broker: Broker, relayed: None
) -> None:
    await make(firm, "AAPL", kind="NOTIFY")
    trader = await firm.member(Role.TRADER)
    async with firm.api.socket() as socket, trader.socket() as other:
        await other.subscribe("subscription { surveillanceCaseOpened { id } }")
        refused = await other.receive()
        await socket.subscribe("subscription { restrictionAlertAdded { orderId outcome } }")
        while True:
            # The subscription may begin a moment after it was asked for.
            await firm.api.place(**firm.order(limitPrice="100"))
            with suppress(TimeoutError):
                async with asyncio.timeout(2):
                    alert = await socket.next_data()
                    break
    async with firm.api.socket() as socket:
        await socket.subscribe("subscription { surveillanceCaseOpened { kind } }")
        while True:
            await washed(firm, broker)
            await look(firm)
            with suppress(TimeoutError):
                async with asyncio.timeout(2):
                    opened = await socket.next_data()
                    break

    assert "FORBIDDEN" in str(refused)
    assert alert["restrictionAlertAdded"]["outcome"] == "NOTIFIED"
    assert opened["surveillanceCaseOpened"]["kind"] in ("WASH_TRADE", "RESTRICTED_TOUCH")
