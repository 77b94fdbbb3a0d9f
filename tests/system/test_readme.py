"""The commands of the README, run as they stand there, one after the other, on one installation."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.installation import Installation, installed

ROOT = Path(__file__).parents[2]
_MARKED = re.compile(r"<!-- run: (?P<name>[a-z-]+) -->\n```(?P<language>bash|python)\n(?P<code>.*?)^```$", re.S | re.M)
SNIPPETS = {
    found["name"]: (found["language"], found["code"]) for found in _MARKED.finditer((ROOT / "README.md").read_text())
}
TIMEOUT_S = 60


@pytest.fixture(scope="module")
async def newcomer() -> AsyncIterator[tuple[Installation, Path]]:
    """A running installation, and a folder whose .venv holds `oms` and `python`, as after `make run`."""
    async with installed() as installation:
        folder = installation.state_dir / "newcomer"
        programs = folder / ".venv" / "bin"
        programs.mkdir(parents=True)
        for name, arguments in (("oms", "-m app.cli"), ("python", "")):
            program = programs / name
            program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
            program.chmod(0o755)
        yield installation, folder


async def run(newcomer: tuple[Installation, Path], name: str) -> str:
    """What the snippet prints; it must succeed."""
    installation, folder = newcomer
    language, code = SNIPPETS[name]
    program = "bash" if language == "bash" else sys.executable
    strict = ["-euo", "pipefail"] if language == "bash" else []
    process = await asyncio.create_subprocess_exec(
        program,
        *strict,
        "-c",
        code,
        cwd=folder,
        env=installation.environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(TIMEOUT_S):
        printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()
    return printed.decode()


def test_the_readme_has_a_first_of_each() -> None:
    assert list(SNIPPETS) == ["first-curl", "first-python", "first-subscription"]


async def test_the_firsts_do_what_the_readme_says(newcomer: tuple[Installation, Path]) -> None:
    by_curl = await run(newcomer, "first-curl")
    again = await run(newcomer, "first-curl")
    by_python = await run(newcomer, "first-python")
    by_socket = await run(newcomer, "first-subscription")

    assert '"clientOrderId":"first-curl"' in by_curl
    assert '"clientOrderId":"first-curl"' in again
    assert "'errors': []" in by_python
    assert "now {'state': 'FILLED', 'filledQuantity': '25'" in by_python
    acknowledged, *events = by_socket.splitlines()
    assert acknowledged == "connection_ack"
    assert len(events) == 4
    assert events[0].startswith("{'sequence': 1, 'type': 'OrderPlaced', 'toState': 'ROUTED'")
    # The key was used twice and is one order.
    assert sum("OrderPlaced" in event and "first-curl" in event for event in events) == 1
