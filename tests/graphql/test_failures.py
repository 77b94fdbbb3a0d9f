"""What clients hear when the server fails, and how the process starts and ends."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from app.core.errors import InputError, UnavailableError
from app.infra.bus import Bus
from app.infra.db import Database, DatabaseRole
from app.infra.outages import known_as
from app.infra.redis import Redis, make_client
from app.infra.settings import Settings
from app.web import CannotListenError, create_app, run
from tests.graphql.conftest import Api, Firm, serve_app

RUN = "from app.infra.settings import load_settings; import app.web; app.web.run(load_settings())"


@pytest.fixture
def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_failure_that_nobody_foresaw_is_masked(
    firm: Firm, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the password of the database is secret")

    monkeypatch.setattr("schema.orders.queries.list_orders", fail)

    error = await firm.api.error("{ orders { totalCount } }")

    assert error["message"] == "The server failed; the request id finds the cause in its log."
    assert set(error["extensions"]) == {"code", "requestId"}
    assert error["extensions"]["code"] == "INTERNAL"
    assert error["extensions"]["requestId"] in caplog.text
    assert "secret" in caplog.text


async def test_a_database_that_is_away_is_told_as_such(firm: Firm, settings: Settings, free_port: int) -> None:
    async with away(firm, settings, free_port) as api:
        ready = await api.http.get(f"http://{api.address}/health/ready")
        live = await api.http.get(f"http://{api.address}/health/live")
        error = await api.error("{ orders { totalCount } }")

    assert (ready.status_code, ready.json()["postgresql"], ready.json()["redis"]) == (503, "away", "away")
    assert live.status_code == 200
    assert (error["extensions"]["code"], error["extensions"]["retryable"]) == ("UNAVAILABLE", True)


async def test_a_redis_that_is_away_leaves_the_orders_alone(firm: Firm, free_port: int) -> None:
    client = make_client(f"redis://127.0.0.1:{free_port}")
    app = create_app(replace(firm.desk, redis=Redis(client, "test:")), Settings(environment="test"))
    async with serve_app(app) as address:
        api = replace(firm.api, address=address)

        orders = await api.data("{ orders { totalCount } }")
        error = await api.error('{ quote(symbol: "AAPL") { last } }')

    assert orders == {"orders": {"totalCount": 0}}
    assert error["extensions"] == {"code": "UNAVAILABLE", "retryable": True}


def test_the_errors_of_drivers_are_known_by_their_causes() -> None:
    wrapped = RuntimeError("outer")
    wrapped.__cause__ = ConnectionRefusedError("inner")

    assert isinstance(known_as(wrapped), UnavailableError)
    assert isinstance(known_as(UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates")), InputError)
    assert known_as(RuntimeError("unforeseen")) is None


async def test_a_taken_port_is_one_clear_line(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(CannotListenError, match=rf"^cannot listen on 127\.0\.0\.1:{port} .*OMS_HTTP_PORT"):
            await asyncio.to_thread(run, settings.model_copy(update={"http_port": port}))


async def test_the_process_serves_and_ends_at_once_with_sockets_open(
    firm: Firm, settings: Settings, free_port: int
) -> None:
    assert settings.database_url is not None
    assert settings.redis_url is not None
    given = {
        "OMS_ENVIRONMENT": "test",
        "OMS_DATABASE_URL": settings.database_url,
        "OMS_REDIS_URL": settings.redis_url,
        "OMS_REDIS_PREFIX": settings.redis_prefix,
        "OMS_HTTP_PORT": str(free_port),
    }
    reading, writing = os.pipe()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        RUN,
        env={**os.environ, **given, "OMS_READY_FD": str(writing)},
        pass_fds=[writing],
    )
    os.close(writing)
    try:
        assert await asyncio.to_thread(os.read, reading, 16) == b"ready\n"
        api = replace(firm.api, address=f"127.0.0.1:{free_port}")
        async with api.socket() as opened:
            await opened.subscribe("subscription { executions { id } }")
            assert await api.data("{ orders { totalCount } }") == {"orders": {"totalCount": 0}}

            started = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 10) == 0

            assert time.monotonic() - started < 5
            with pytest.raises(ConnectionClosed):
                await opened.receive()
    finally:
        os.close(reading)
        if process.returncode is None:
            process.kill()
            await process.wait()


class AwayDatabase(Database):
    """A database that went away after it was opened."""

    def acquire(self) -> Any:
        """Refuses."""
        raise ConnectionRefusedError


@asynccontextmanager
async def away(firm: Firm, settings: Settings, port: int) -> AsyncIterator[Api]:
    """A client of a web process whose servers went away after it had started; its verdicts are still warm."""
    url = f"postgresql://nobody@127.0.0.1:{port}/nothing"
    database = AwayDatabase(url, DatabaseRole.APP, size=1)
    redis = Redis(make_client(f"redis://127.0.0.1:{port}"), "test:")
    bus = Bus(f"redis://127.0.0.1:{port}", "test:")
    desk = replace(firm.desk, database=database, redis=redis, bus=bus)
    await firm.api.data("{ viewer { scopes } }")
    async with serve_app(create_app(desk, settings)) as address, httpx.AsyncClient() as http:
        yield replace(firm.api, http=http, address=address)
    await redis.close()
    await database.close()
