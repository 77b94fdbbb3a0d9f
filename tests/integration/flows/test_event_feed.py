"""Following the event log: once and in order, whatever the bus repeats, reorders, loses or brings too fast."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from app.flows.journal import event_feed
from app.flows.live.follow_orders import follow_order_events
from app.orders.domain.journal import event_document, events_channel
from app.orders.domain.order import LoggedEvent
from tests.integration.flows.conftest import Trader


@asynccontextmanager
async def following(trader: Trader, after: int | None) -> AsyncIterator[Any]:
    """The events of the trader's account."""
    events: Any = follow_order_events(trader.desk, trader.principal, trader.account_id, after)
    try:
        yield events
    finally:
        await events.aclose()


async def taken(events: Any, count: int) -> list[LoggedEvent]:
    """The next events."""
    async with asyncio.timeout(20):
        return [await anext(events) for _ in range(count)]


@pytest.mark.parametrize("seed", range(5))
async def test_what_the_bus_repeats_reorders_and_loses_comes_once_and_in_order(trader: Trader, seed: int) -> None:
    chance = random.Random(seed)
    await trader.placed()
    async with following(trader, 0) as events:
        first = await taken(events, 1)
        for _ in range(20):
            await trader.placed()
        logged = await trader.events()
        parts = [logged[place : place + size] for place in range(len(logged)) for size in (1, 3)]
        told = [part for part in parts if chance.random() < 0.7]
        chance.shuffle(told)
        channel = events_channel(trader.key.tenant_id)
        await trader.desk.redis.publish(
            [(channel, orjson.dumps([event_document(one) for one in part], default=str)) for part in told]
        )
        seen = [*first, *await taken(events, len(logged) - 1)]

    assert seen == logged


async def test_a_slow_reader_misses_nothing(trader: Trader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_feed, "FOLLOWER_BATCHES_MAX", 2)
    monkeypatch.setattr(event_feed, "PAGE", 4)
    monkeypatch.setattr("app.flows.live.follow_orders.PAGE", 4)
    await trader.placed()
    async with following(trader, 0) as slow, following(trader, 0) as prompt:
        seen = await taken(slow, 1)
        await taken(prompt, 1)
        for _ in range(15):
            await trader.placed()
        logged = await trader.events()
        # The prompt reader has it all: the slow one's queue has overflowed meanwhile.
        await taken(prompt, len(logged) - 1)
        seen += await taken(slow, len(logged) - 1)

    assert seen == logged
