"""Market data as a client meets it: subscriptions, lines, bars and ticks of the past, snapshots."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.brokers.errors import HistoryPacedError
from app.brokers.ib.adapter import IbAdapter
from app.brokers.inquiries import AskBars, AskTicks, Bars, PastTick, PastTicks
from app.brokers.questions import Answer, Asked
from app.core.bars import Bar
from app.core.fix import LineState
from app.identity.domain import Scope
from app.infra.uow import begin_batch
from app.marketdata import service as marketdata
from app.marketdata.lines import LineStatus
from tests.graphql.conftest import Firm
from tests.graphql.test_preview import adapter, answering, quote, simulator

__all__ = ["adapter", "simulator"]

SUBSCRIBE = """
mutation S($input: SubscribeMarketDataInput!) {
  subscribeMarketData(input: $input) {
    subscription { id isActive createdAt lastTickAt ticksReceived gaps instrument { symbol } line { state reason } }
    errors { code path }
  }
}
"""
UNSUBSCRIBE = """
mutation U($input: UnsubscribeMarketDataInput!) {
  unsubscribeMarketData(input: $input) { subscription { id isActive endedAt } errors { code path } }
}
"""
LISTED = "{ marketDataSubscriptions { id instrument { symbol } } }"
NODE = "query N($id: ID!) { node(id: $id) { id ... on MarketDataSubscription { isActive } } }"
BARS = """
query B($symbol: String!, $interval: BarInterval!, $start: DateTime!, $end: DateTime!) {
  bars(symbol: $symbol, interval: $interval, start: $start, end: $end) { time open high low close volume }
}
"""
TICKS = """
query T($symbol: String!, $after: DateTime, $before: DateTime, $first: Int) {
  ticks(symbol: $symbol, after: $after, before: $before, first: $first) { symbol bid ask last lastSize time }
}
"""
SNAPSHOT = "query Q($symbol: String!) { quoteSnapshot(symbol: $symbol) { bid ask instrument { symbol } } }"
DAY = datetime(2026, 1, 5, tzinfo=UTC)


async def test_a_subscription_stands_until_it_is_ended(firm: Firm) -> None:
    first = (await firm.api.data(SUBSCRIBE, input={"symbol": "AAPL"}))["subscribeMarketData"]
    again = (await firm.api.data(SUBSCRIBE, input={"symbol": "AAPL", "exchange": "SMART"}))["subscribeMarketData"]
    held = first["subscription"]
    listed = (await firm.api.data(LISTED))["marketDataSubscriptions"]
    ended = [
        (await firm.api.data(UNSUBSCRIBE, input={"subscriptionId": held["id"]}))["unsubscribeMarketData"]
        for _ in range(2)
    ]
    node = (await firm.api.data(NODE, id=held["id"]))["node"]

    assert (first["errors"], again["subscription"]["id"]) == ([], held["id"])
    assert (held["isActive"], held["ticksReceived"], held["gaps"], held["lastTickAt"]) == (True, 0, 0, None)
    assert (held["instrument"]["symbol"], held["line"]["state"]) == ("AAPL", "NONE")
    assert [one["id"] for one in listed] == [held["id"]]
    assert ended[0] == ended[1]
    assert (ended[0]["subscription"]["isActive"], ended[0]["errors"]) == (False, [])
    assert node == {"id": held["id"], "isActive": False}
    assert (await firm.api.data(LISTED))["marketDataSubscriptions"] == []


async def test_both_are_written_down(firm: Firm) -> None:
    held = (await firm.api.data(SUBSCRIBE, input={"symbol": "AAPL"}))["subscribeMarketData"]["subscription"]
    await firm.api.data(UNSUBSCRIBE, input={"subscriptionId": held["id"]})

    async with begin_batch(firm.desk.database, firm.key.tenant_id) as session:
        rows = await session.fetch("SELECT action FROM audit_log WHERE resource_id = $1 ORDER BY id", held["id"])

    assert [row["action"] for row in rows] == ["market_data.subscribe", "market_data.unsubscribe"]


async def test_another_firms_subscription_is_unknown(firm: Firm, stranger: Firm) -> None:
    theirs = (await stranger.api.data(SUBSCRIBE, input={"symbol": "AAPL"}))["subscribeMarketData"]["subscription"]

    answer = (await firm.api.data(UNSUBSCRIBE, input={"subscriptionId": theirs["id"]}))["unsubscribeMarketData"]

    assert answer["errors"] == [{"code": "MARKET_DATA_SUBSCRIPTION_NOT_FOUND", "path": ["subscriptionId"]}]
    assert (await firm.api.data(NODE, id=theirs["id"]))["node"] is None
    assert len((await stranger.api.data(LISTED))["marketDataSubscriptions"]) == 1


async def test_what_the_tenant_has_not_is_refused(firm: Firm) -> None:
    answer = (await firm.api.data(SUBSCRIBE, input={"symbol": "NOPE"}))["subscribeMarketData"]

    assert answer["errors"] == [{"code": "INSTRUMENT_NOT_FOUND", "path": ["symbol"]}]


async def test_without_the_scope_market_data_is_closed(firm: Firm) -> None:
    program = await firm.program(Scope.VIEW_ORDERS)

    assert (await program.refusal(SUBSCRIBE, input={"symbol": "AAPL"}))[0] == "FORBIDDEN"
    assert (await program.refusal(LISTED))[0] == "FORBIDDEN"
    assert (await program.refusal(SNAPSHOT, symbol="AAPL"))[0] == "FORBIDDEN"


async def test_a_quote_says_how_its_line_stands(firm: Firm) -> None:
    await quote(firm)
    since = datetime(2026, 1, 5, 15, tzinfo=UTC)
    status = LineStatus(state=LineState.REFUSED, reason="Another session.", broker_code=10197, since=since)
    await marketdata.show_lines(firm.desk.redis, firm.key.tenant_id, {firm.instruments["AAPL"].id: status})

    told = await firm.api.data('{ quote(symbol: "AAPL") { bid line { state reason brokerCode since } } }')

    line = told["quote"]["line"]
    assert (line["state"], line["reason"], line["brokerCode"]) == ("REFUSED", "Another session.", 10197)
    assert line["since"].startswith("2026-01-05T15:00:00")


async def test_a_quote_that_is_read_wants_a_line(firm: Firm) -> None:
    await firm.api.data('{ quote(symbol: "AAPL") { bid } }')

    used = await marketdata.used_at(firm.desk.redis, firm.key.tenant_id, firm.desk.clock.now())

    assert list(used) == [firm.instruments["AAPL"].id]


async def test_a_snapshot_asks_the_broker(firm: Firm, adapter: IbAdapter) -> None:
    async with answering(firm, adapter):
        shown = (await firm.api.data(SNAPSHOT, symbol="AAPL"))["quoteSnapshot"]

    assert shown == {"bid": "187.4", "ask": "187.42", "instrument": {"symbol": "AAPL"}}


class Archive:
    """A broker that has a bar for every minute, and a trade for every second."""

    def __init__(self) -> None:
        self.asked: list[AskBars | AskTicks] = []

    async def answer(self, asked: Asked, account: str) -> Answer:
        if isinstance(asked, AskBars):
            self.asked.append(asked)
            step, price = timedelta(seconds=asked.interval.seconds), Decimal("187.5")
            count = -(-(asked.end - asked.start) // step)
            bars = [
                Bar(time=asked.start + step * n, open=price, high=price, low=price, close=price, volume=Decimal(n))
                for n in range(count)
            ]
            return Bars(bars=tuple(bars), whole_until=datetime.now(UTC))
        assert isinstance(asked, AskTicks)
        self.asked.append(asked)
        start = asked.start or (asked.end or DAY) - timedelta(seconds=asked.count)
        return PastTicks(
            ticks=tuple(
                PastTick(time=start + timedelta(seconds=n), last=Decimal(187), last_size=Decimal(100))
                for n in range(asked.count)
            )
        )


def bars_of(start: datetime, end: datetime, interval: str = "MINUTE_1") -> dict[str, Any]:
    """The variables of a question for bars."""
    return {"symbol": "AAPL", "interval": interval, "start": start.isoformat(), "end": end.isoformat()}


async def test_bars_of_the_past_are_asked_for_once(firm: Firm) -> None:
    archive = Archive()

    async with answering(firm, archive):
        first = (await firm.api.data(BARS, **bars_of(DAY, DAY + timedelta(minutes=10))))["bars"]
        same = (await firm.api.data(BARS, **bars_of(DAY, DAY + timedelta(minutes=10))))["bars"]
        wider = (await firm.api.data(BARS, **bars_of(DAY - timedelta(minutes=5), DAY + timedelta(minutes=15))))["bars"]

    assert len(first) == 10
    assert first[0]["time"].startswith("2026-01-05T00:00:00")
    assert (first[0]["open"], first[3]["volume"]) == ("187.5", "3")
    assert same == first
    assert len(wider) == 20
    asked = [(one.start, one.end) for one in archive.asked]
    assert asked == [
        (DAY, DAY + timedelta(minutes=10)),
        (DAY - timedelta(minutes=5), DAY),
        (DAY + timedelta(minutes=10), DAY + timedelta(minutes=15)),
    ]


async def test_the_newest_bars_are_asked_for_each_time(firm: Firm) -> None:
    archive, now = Archive(), datetime.now(UTC)

    async with answering(firm, archive):
        for _ in range(2):
            await firm.api.data(BARS, **bars_of(now - timedelta(hours=2), now + timedelta(hours=1)))

    first, second = archive.asked
    assert isinstance(second, AskBars)
    assert isinstance(first, AskBars)
    assert second.start > first.start
    assert second.end <= datetime.now(UTC)


async def test_bars_of_a_firm_are_not_anothers(firm: Firm, stranger: Firm) -> None:
    archive, other = Archive(), Archive()
    asked = bars_of(DAY, DAY + timedelta(minutes=3))

    async with answering(firm, archive):
        await firm.api.data(BARS, **asked)
    async with answering(stranger, other):
        await stranger.api.data(BARS, **asked)

    assert (len(archive.asked), len(other.asked)) == (1, 1)


@pytest.mark.parametrize(
    ("start", "end", "code"),
    [
        (DAY, DAY, "BAD_USER_INPUT"),
        (DAY, DAY - timedelta(days=1), "BAD_USER_INPUT"),
        (DAY, DAY + timedelta(minutes=10_001), "HISTORY_TOO_LONG"),
    ],
)
async def test_a_range_that_cannot_be_answered_is_refused(
    firm: Firm, start: datetime, end: datetime, code: str
) -> None:
    assert await firm.api.refusal(BARS, **bars_of(start, end)) == (code, ["end"])


async def test_bars_of_what_is_to_come_are_none(firm: Firm) -> None:
    ahead = datetime.now(UTC) + timedelta(days=2)

    assert (await firm.api.data(BARS, **bars_of(ahead, ahead + timedelta(hours=1))))["bars"] == []


async def test_a_pace_that_is_used_up_says_when_to_come_again(firm: Firm) -> None:
    class Paced:
        async def answer(self, asked: Asked, account: str) -> Answer:
            raise HistoryPacedError(41.2)

    async with answering(firm, Paced()):
        error = await firm.api.error(BARS, **bars_of(DAY, DAY + timedelta(minutes=3)))

    assert error["extensions"] == {"code": "HISTORY_PACED", "retryAfter": 42, "retryable": True}


async def test_ticks_of_the_past_come_from_an_instant_or_before_another(firm: Firm) -> None:
    archive = Archive()

    async with answering(firm, archive):
        after = (await firm.api.data(TICKS, symbol="AAPL", after=DAY.isoformat(), first=3))["ticks"]
        before = (await firm.api.data(TICKS, symbol="AAPL", before=DAY.isoformat(), first=2))["ticks"]

    assert [one["time"][:19] for one in after] == [f"2026-01-05T00:00:0{n}" for n in range(3)]
    assert [one["time"][:19] for one in before] == ["2026-01-04T23:59:58", "2026-01-04T23:59:59"]
    assert (after[0]["last"], after[0]["lastSize"], after[0]["bid"]) == ("187", "100", None)


@pytest.mark.parametrize("first", [0, 1_001])
async def test_ticks_are_bounded(firm: Firm, first: int) -> None:
    assert await firm.api.refusal(TICKS, symbol="AAPL", first=first) == ("BAD_USER_INPUT", ["first"])
