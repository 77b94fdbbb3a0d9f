"""Sockets: how many, how fast, how long, and that they end with the power of their credential."""

import asyncio
import contextlib
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.typing import Subprotocol

from app.flows.identity.authenticate import VERDICT_LIFE_S
from app.flows.identity.create_api_key import create_api_key
from app.flows.identity.log_out import log_out
from app.flows.identity.revoke_api_key import revoke_api_key
from app.identity.domain import Scope
from schema.base.socket_limits import WATCH_EVERY_S, Pace, Places, SocketLimits, SocketsTooManyError, neighbourhood_of
from tests.graphql.conftest import Firm, serving_sockets

PROTOCOL = [Subprotocol("graphql-transport-ws")]


async def closing(raw: ClientConnection) -> int:
    """The code that the server closes the socket with."""
    async with asyncio.timeout(10):
        with contextlib.suppress(ConnectionClosedError):
            async for _ in raw:
                pass
        await raw.wait_closed()
    assert raw.close_code is not None
    return raw.close_code


async def test_an_address_holds_so_many_sockets_and_no_more(firm: Firm) -> None:
    async with serving_sockets(firm, SocketLimits(per_address=2)) as api, AsyncExitStack() as opened:
        first = await opened.enter_async_context(api.socket())
        await opened.enter_async_context(api.socket())

        with pytest.raises(InvalidStatus) as refused:
            await connect(f"ws://{api.address}/graphql", subprotocols=PROTOCOL)
        await first.raw.close()

        assert refused.value.response.status_code == 429
        async with asyncio.timeout(10):
            while True:
                # The place is free as soon as the server has seen the end.
                with contextlib.suppress(InvalidStatus):
                    await opened.enter_async_context(api.socket())
                    break


async def test_a_credential_holds_so_many_sockets_and_no_more(firm: Firm) -> None:
    async with serving_sockets(firm, SocketLimits(per_credential=1)) as api, api.socket():
        async with connect(f"ws://{api.address}/graphql", subprotocols=PROTOCOL) as raw:
            await raw.send(f'{{"type": "connection_init", "payload": {{"authorization": "Bearer {api.bearer}"}}}}')
            assert await closing(raw) == 4291
        other = await firm.program(Scope.VIEW_ORDERS)
        async with replace(other, address=api.address).socket():
            pass


async def test_a_socket_that_talks_too_fast_is_closed(firm: Firm) -> None:
    limits = SocketLimits(messages_per_second=0.001, messages_burst=5)
    async with serving_sockets(firm, limits) as api, api.socket() as opened:
        for _ in range(4):
            await opened.send(type="ping")
            assert await opened.receive() == {"type": "pong"}

        await opened.send(type="ping")

        assert await closing(opened.raw) == 4290


async def test_a_socket_without_an_operation_is_closed_after_a_while_whatever_it_says(firm: Firm) -> None:
    limits = SocketLimits(idle_s=0.3, watch_every_s=0.05)
    async with serving_sockets(firm, limits) as api, api.socket() as opened:
        await opened.send(type="ping")

        assert await closing(opened.raw) == 4298


async def test_a_socket_that_follows_something_is_not_idle(firm: Firm) -> None:
    limits = SocketLimits(idle_s=0.1, watch_every_s=0.05)
    async with serving_sockets(firm, limits) as api, api.socket() as opened:
        await opened.subscribe("subscription { executions { id } }")

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(opened.receive(), 0.5)
        await opened.send(type="ping")
        assert await opened.receive() == {"type": "pong"}


async def test_a_silent_socket_is_closed_when_its_session_ends(firm: Firm) -> None:
    async with serving_sockets(firm, SocketLimits(watch_every_s=0.05)) as api, api.socket() as opened:
        await log_out(firm.desk.door, firm.principal)

        assert await closing(opened.raw) == 4403


async def test_a_socket_is_closed_when_its_key_is_revoked(firm: Firm) -> None:
    issued = await create_api_key(firm.desk.door, firm.principal, name="program", scopes=[Scope.VIEW_ORDERS])
    async with (
        serving_sockets(firm, SocketLimits(watch_every_s=0.05)) as api,
        api.holding(issued.text).socket() as opened,
    ):
        await opened.subscribe("subscription { executions { id } }")
        await revoke_api_key(firm.desk.door, firm.principal, issued.api_key.id)

        assert await closing(opened.raw) == 4403


async def test_sockets_stay_while_the_database_is_away(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asyncio.Event()

    async def away(*_: object) -> None:
        asked.set()
        raise ConnectionRefusedError

    async with serving_sockets(firm, SocketLimits(watch_every_s=0.05)) as api, api.socket() as opened:
        monkeypatch.setattr(firm.desk.door.authenticator, "recheck", away)
        await asyncio.wait_for(asked.wait(), 10)
        asked.clear()
        await asyncio.wait_for(asked.wait(), 10)

        await opened.send(type="ping")
        assert await opened.receive() == {"type": "pong"}


def test_power_is_lost_within_five_seconds_in_every_process() -> None:
    assert VERDICT_LIFE_S + WATCH_EVERY_S <= 5


def test_places_are_counted_by_holder() -> None:
    places = Places(2)
    places.take("a")
    places.take("a")
    places.take("b")

    with pytest.raises(SocketsTooManyError):
        places.take("a")

    places.give_back("a")
    places.take("a")
    places.give_back("b")
    assert (places.taken("a"), places.taken("b")) == (2, 0)


def test_a_pace_allows_a_burst_and_then_its_rate() -> None:
    now = 0.0
    pace = Pace(2, 3, lambda: now)

    assert [pace.allows() for _ in range(4)] == [True, True, True, False]
    now = 1.0
    assert [pace.allows() for _ in range(3)] == [True, True, False]
    now = 1_000.0
    assert [pace.allows() for _ in range(4)] == [True, True, True, False]


@pytest.mark.parametrize(
    ("address", "counted_by"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_addresses_of_one_holder_count_together(address: str, counted_by: str) -> None:
    assert neighbourhood_of(address) == counted_by
