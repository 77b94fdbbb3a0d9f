"""A process ends when it is asked to, also where its work loses a cancellation."""

import subprocess
import sys
import textwrap

import pytest

_PRELUDE = """
import asyncio, os, signal
from app.infra.lifetime import run_until_signalled
"""


def _run(body: str) -> subprocess.CompletedProcess[str]:
    source = _PRELUDE + textwrap.dedent(body)
    return subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_signal_ends_the_work_in_order(name: str) -> None:
    ended = _run(f"""
        async def serve():
            os.kill(os.getpid(), signal.{name})
            try:
                await asyncio.sleep(60)
            finally:
                print("closed", flush=True)
        run_until_signalled(serve)
    """)

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "closed\n", "")


def test_lost_cancellation_is_repeated() -> None:
    ended = _run("""
        async def serve():
            os.kill(os.getpid(), signal.SIGTERM)
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                print("swallowed", flush=True)
            await asyncio.sleep(60)
        run_until_signalled(serve)
    """)

    assert (ended.returncode, ended.stdout) == (0, "swallowed\n")


def test_failure_of_the_work_is_raised() -> None:
    ended = _run("""
        async def serve():
            raise OSError("no port")
        run_until_signalled(serve)
    """)

    assert ended.returncode == 1
    assert "no port" in ended.stderr
