"""`oms up` as an operator meets it: everything comes up, heals, and leaves nothing behind."""

import os
import signal
import time
from collections.abc import AsyncIterator

import pytest

from tests.installation import Installation, installed, until

# A second on a machine that has one to spare; what is proven here is that nobody has to ask twice.
_STOP_S_MAX = 8.0
_PROCESSES = {"serve", "connector", "relay", "worker", "scheduler", "simulator"}


@pytest.fixture
async def installation() -> AsyncIterator[Installation]:
    async with installed() as running:
        yield running


async def test_everything_comes_up_heals_and_ends_at_one_signal(installation: Installation) -> None:
    told = await installation.demo()
    before = installation.children()
    relay = next(pid for pid, name in before.items() if name == "relay")

    os.kill(relay, signal.SIGKILL)
    await until(lambda: [pid for pid, name in installation.children().items() if name == "relay" and pid != relay])
    await until(lambda: "starts again" in installation.log())
    began = time.monotonic()
    installation.process.send_signal(signal.SIGINT)
    code = await installation.process.wait()
    took_s = time.monotonic() - began

    assert set(before.values()) >= _PROCESSES
    assert told["graphqlUrl"] == f"http://127.0.0.1:{installation.environment['OMS_HTTP_PORT']}/graphql"
    assert told["password"] in installation.log()
    assert code == 0
    assert took_s < _STOP_S_MAX
    assert installation.children() == {}
    assert "Traceback" not in installation.log()


async def test_nothing_survives_a_killed_supervisor(installation: Installation) -> None:
    assert len(installation.children()) >= len(_PROCESSES)

    installation.process.kill()
    await installation.process.wait()

    await until(lambda: not installation.children(), timeout_s=5)
