"""Bars of five seconds and single ticks as a client follows them, and the references that followers hold."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from app.core.fix import LineState, StreamKind
from app.core.streaming import LiveBar, LiveTick, StreamKey
from app.flows.desk import open_desk
from app.flows.marketdata.watch_markets import watch_list
from app.identity.domain import Scope
from app.infra.settings import Settings
from app.marketdata import holds
from app.marketdata.lines import LineStatus
from app.marketdata.service import used_at
from app.marketdata.streams import StreamMessage, StreamNews
from tests.graphql.conftest import Firm, serve

BARS = """
subscription B($symbols: [String!]!) {
  realTimeBars(symbols: $symbols) {
    kind sequence bars { symbol time open high low close volume averagePrice tradeCount }
    lines { symbol line { state reason brokerCode } }
  }
}
"""
TICKS = """
subscription T($symbols: [String!]!, $type: TickByTickType!) {
  tickByTick(symbols: $symbols, type: $type) {
    kind sequence ticks { symbol time price size bid bidSize ask askSize exchange conditions }
    lines { symbol line { state reason brokerCode } }
  }
}
"""
QUOTES = "subscription Q($symbols: [String!]!) { ticks(symbols: $symbols) { kind } }"
NOON = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
LIVE = LineStatus(state=LineState.LIVE, since=NOON)


def key_of(firm: Firm, kind: StreamKind, symbol: str = "AAPL") -> StreamKey:
    """The key of a stream of the firm."""
    return StreamKey(instrument_id=firm.instruments[symbol].id, kind=kind)


async def tell(firm: Firm, sequence: int, news: StreamNews, teller: str = "one") -> None:
    """Tell what a connector would."""
    message = StreamMessage(teller=teller, sequence=sequence, news=news)
    await holds.publish_streams(firm.desk.redis, firm.key.tenant_id, message, news.lines)


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    """Wait for the condition."""
    async with asyncio.timeout(10):
        while not await condition():
            await asyncio.sleep(0.01)


async def held(firm: Firm) -> set[StreamKey]:
    """The streams that somebody holds."""
    return await holds.held_streams(firm.desk.redis, firm.key.tenant_id, firm.desk.clock.now())


async def held_markets(firm: Firm) -> set[object]:
    """The instruments whose quotes somebody holds."""
    return set(await holds.held_markets(firm.desk.redis, firm.key.tenant_id, firm.desk.clock.now()))


async def test_bars_come_with_how_their_streams_stand(firm: Firm) -> None:
    key = key_of(firm, StreamKind.REAL_TIME_BARS)
    bar = LiveBar(
        key=key,
        time=NOON,
        open=Decimal("187.40"),
        high=Decimal("187.45"),
        low=Decimal("187.4"),
        close=Decimal("187.42"),
        volume=Decimal(1200),
        average=Decimal("187.41"),
        count=7,
    )
    async with firm.api.socket() as opened:
        await opened.subscribe(BARS, symbols=["AAPL"])
        snapshot = (await opened.next_data())["realTimeBars"]
        await tell(firm, 1, StreamNews(events=(bar,), lines={key: LIVE}))
        delta = (await opened.next_data())["realTimeBars"]

    assert (snapshot["kind"], snapshot["sequence"], snapshot["bars"]) == ("SNAPSHOT", 1, [])
    assert [one["line"]["state"] for one in snapshot["lines"]] == ["NONE"]
    assert (delta["kind"], delta["sequence"]) == ("DELTA", 2)
    assert delta["lines"] == [{"symbol": "AAPL", "line": {"state": "LIVE", "reason": None, "brokerCode": None}}]
    [told] = delta["bars"]
    assert told.pop("time").startswith("2026-11-20T17:00:00")
    assert told == {
        "symbol": "AAPL",
        "open": "187.4",
        "high": "187.45",
        "low": "187.4",
        "close": "187.42",
        "volume": "1200",
        "averagePrice": "187.41",
        "tradeCount": 7,
    }


async def test_only_what_is_followed_comes_and_a_refusal_says_why(firm: Firm, stranger: Firm) -> None:
    mine, other = key_of(firm, StreamKind.LAST), key_of(firm, StreamKind.LAST, "MSFT")
    trade = LiveTick(key=mine, time=NOON, price=Decimal("187.4"), size=Decimal(100), exchange="NASDAQ", conditions="TI")
    refused = LineStatus(state=LineState.REFUSED, reason="No permission.", broker_code=10189, since=NOON)
    async with firm.api.socket() as opened:
        await opened.subscribe(TICKS, symbols=["AAPL"], type="LAST")
        await opened.next_data()
        await tell(stranger, 1, StreamNews(events=(trade,)))
        await tell(firm, 1, StreamNews(events=(replace(trade, key=other),), lines={other: LIVE}))
        await tell(firm, 2, StreamNews(events=(replace(trade, key=replace(mine, kind=StreamKind.ALL_LAST)),)))
        await tell(firm, 3, StreamNews(events=(trade, replace(trade, price=Decimal("187.5")))))
        ticks = (await opened.next_data())["tickByTick"]
        await tell(firm, 4, StreamNews(lines={mine: refused}))
        lines = (await opened.next_data())["tickByTick"]

    assert [one["price"] for one in ticks["ticks"]] == ["187.4", "187.5"]
    assert (ticks["ticks"][0]["exchange"], ticks["ticks"][0]["conditions"]) == ("NASDAQ", "TI")
    assert lines["lines"] == [
        {"symbol": "AAPL", "line": {"state": "REFUSED", "reason": "No permission.", "brokerCode": 10189}}
    ]


@pytest.mark.parametrize("hole", ["sequence", "teller", "told"])
async def test_where_something_is_missing_the_client_is_told(firm: Firm, hole: str) -> None:
    key = key_of(firm, StreamKind.MID_POINT)
    tick = LiveTick(key=key, time=NOON, price=Decimal("187.4"))
    async with firm.api.socket() as opened:
        await opened.subscribe(TICKS, symbols=["AAPL"], type="MID_POINT")
        await opened.next_data()
        await tell(firm, 1, StreamNews(events=(tick,), lines={key: LIVE}))
        first = (await opened.next_data())["tickByTick"]
        news = StreamNews(events=(tick,), lines={key: LIVE}, gaps=frozenset({key} if hole == "told" else ()))
        await tell(firm, 3 if hole == "sequence" else 2, news, "two" if hole == "teller" else "one")
        told = [(await opened.next_data())["tickByTick"] for _ in range(3)]

    assert first["kind"] == "DELTA"
    assert [one["kind"] for one in told] == ["RESET", "SNAPSHOT", "DELTA"]
    assert [one["sequence"] for one in told] == [3, 4, 5]
    assert [one["line"]["state"] for one in told[1]["lines"]] == ["LIVE"]
    assert [one["price"] for one in told[2]["ticks"]] == ["187.4"]


async def test_a_quiet_stream_beats(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.flows.live.follow_streams.HEARTBEAT_S", 0.1)
    async with firm.api.socket() as opened:
        await opened.subscribe(TICKS, symbols=["AAPL"], type="BID_ASK")
        kinds = [(await opened.next_data())["tickByTick"]["kind"] for _ in range(3)]

    assert kinds == ["SNAPSHOT", "HEARTBEAT", "HEARTBEAT"]


@pytest.mark.parametrize("document", [BARS, TICKS])
@pytest.mark.parametrize(
    ("symbols", "code", "path"),
    [
        ([], "BAD_USER_INPUT", ["symbols"]),
        (["AAPL"] * 51, "BAD_USER_INPUT", ["symbols"]),
        (["AAPL", "NOPE"], "INSTRUMENT_NOT_FOUND", ["symbols", "1"]),
        (["\x00"], "BAD_USER_INPUT", ["symbols", "0"]),
        (["\u202eLPAA"], "INSTRUMENT_NOT_FOUND", ["symbols", "0"]),
        (["a" * 10_000], "INSTRUMENT_NOT_FOUND", ["symbols", "0"]),
    ],
    ids=["none", "too-many", "unknown", "nul", "bidi", "huge"],
)
async def test_what_cannot_be_followed_is_refused(
    firm: Firm, document: str, symbols: list[str], code: str, path: list[str]
) -> None:
    async with firm.api.socket() as opened:
        await opened.subscribe(document, symbols=symbols, type="LAST")

        assert await opened.refusal() == (code, path)

    assert await held(firm) == set()


async def test_without_the_scope_nothing_is_followed(firm: Firm) -> None:
    program = await firm.program(Scope.VIEW_ORDERS)
    async with program.socket() as opened:
        for document in (BARS, TICKS):
            await opened.subscribe(document, symbols=["AAPL"], type="LAST")
            assert (await opened.refusal())[0] == "FORBIDDEN"


async def test_a_stream_is_held_by_all_who_follow_and_given_back_with_the_last(firm: Firm) -> None:
    wanted = {key_of(firm, StreamKind.LAST)}
    async with firm.api.socket() as first:
        await first.subscribe(TICKS, symbols=["AAPL"], type="LAST")
        await first.next_data()
        async with firm.api.socket() as second:
            await second.subscribe(TICKS, symbols=["AAPL"], type="LAST")
            await second.next_data()
            both = await held(firm)
            second.raw.transport.abort()
            await second.raw.wait_closed()
        await firm.api.data("{ viewer { scopes } }")
        one = await held(firm)
        await first.send(type="complete", id="1")

        async def is_given_back() -> bool:
            return await held(firm) == set()

        await until(is_given_back)

    assert both == one == wanted


async def test_quotes_hold_a_line_until_their_socket_dies(firm: Firm) -> None:
    # The last that would get a line by itself.
    symbol = [name for name in firm.instruments if name != "EUR.USD"][-1]
    instrument_id = firm.instruments[symbol].id
    async with firm.api.socket() as opened:
        await opened.subscribe(QUOTES, symbols=[symbol])
        await opened.next_data()
        held_then = await held_markets(firm)
        now = firm.desk.clock.now()
        watched = await watch_list(firm.desk.database, firm.desk.redis, firm.key.tenant_id, now, 2)
        # As when a machine falls over: no goodbye, the connection is gone.
        opened.raw.transport.abort()

        async def is_given_back() -> bool:
            return await held_markets(firm) == set()

        await until(is_given_back)

    used = await used_at(firm.desk.redis, firm.key.tenant_id, firm.desk.clock.now())
    assert held_then == {instrument_id}
    assert instrument_id in [one.instrument_id for one in watched.contracts]
    # It counts as used lately, and no longer as read.
    assert 25 < now.timestamp() - used[instrument_id] < 35


async def test_the_references_of_a_web_process_that_stops_are_given_back(firm: Firm, settings: Settings) -> None:
    async with (
        open_desk(settings) as other,
        serve(other, settings) as address,
        replace(firm.api, address=address).socket() as opened,
    ):
        await opened.subscribe(TICKS, symbols=["AAPL"], type="LAST")
        await opened.next_data()
        during = await held(firm)

    assert during == {key_of(firm, StreamKind.LAST)}
    assert await held(firm) == set()


async def test_who_comes_while_the_last_one_leaves_keeps_the_stream(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = key_of(firm, StreamKind.LAST)
    leaving, going_on = asyncio.Event(), asyncio.Event()
    let_go = holds.let_go

    async def slowly(*given: Any) -> None:
        leaving.set()
        await going_on.wait()
        await let_go(*given)

    monkeypatch.setattr(holds, "let_go", slowly)
    markets, tenant_id = firm.desk.markets, firm.key.tenant_id

    async def come_and_go() -> None:
        async with markets.hold(tenant_id, [key]):
            pass

    first = asyncio.create_task(come_and_go())
    await leaving.wait()
    async with markets.hold(tenant_id, [key]):
        going_on.set()
        await first
        held = await holds.held_streams(firm.desk.redis, tenant_id, firm.desk.clock.now())

    assert held == {key}
    assert await holds.held_streams(firm.desk.redis, tenant_id, firm.desk.clock.now()) == set()
