"""Services kept running: real child processes, small ones."""

import asyncio
import io
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.infra.embedded.process import Command
from app.infra.supervision import ProgramService, ServiceFailedError, Transcript, supervising

_SERVES = """
import os, signal, time
print("pid", os.getpid(), flush=True)
os.write(int(os.environ["OMS_READY_FD"]), b"ready\\n")
signal.pause()
"""
_IGNORES_SIGTERM = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + _SERVES
_LEAVES_A_CHILD = (
    "import subprocess, sys\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])\n"
    "print('child', child.pid, flush=True)\n" + _SERVES
)


def _service(name: str, program: str) -> ProgramService:
    return ProgramService(name, [sys.executable, "-c", program], dict(os.environ))


class _Lines:
    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.transcript = Transcript(self.stream, is_coloured=False)

    def all(self) -> list[str]:
        return self.stream.getvalue().splitlines()

    def numbers(self, word: str) -> list[int]:
        return [int(line.split()[-1]) for line in self.all() if line.split()[-2:-1] == [word]]


@pytest.fixture
def lines() -> _Lines:
    return _Lines()


async def _until(is_true: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not is_true():
            await asyncio.sleep(0.01)


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_services_serve_behind_their_names_and_end_with_the_block(lines: _Lines) -> None:
    async with supervising(lines.transcript) as supervisor:
        await supervisor.start([_service("first", _SERVES), _service("second", _SERVES)])
        await _until(lambda: len(lines.numbers("pid")) == 2)
        pids = lines.numbers("pid")
        assert all(map(_is_alive, pids))

    assert not any(map(_is_alive, pids))
    assert {line.split(" | ")[0].strip() for line in lines.all()} == {"first", "second"}


async def test_a_service_that_is_killed_comes_back(lines: _Lines) -> None:
    async with supervising(lines.transcript, backoff_s_min=0.01) as supervisor:
        await supervisor.start([_service("web", _SERVES)])
        await _until(lambda: lines.numbers("pid"))

        os.kill(lines.numbers("pid")[0], signal.SIGKILL)
        await _until(lambda: len(lines.numbers("pid")) == 2)

    assert any("it was ended by signal 9; starts again in" in line for line in lines.all())


async def test_a_service_that_never_comes_up_is_told_and_not_restarted(lines: _Lines) -> None:
    async with supervising(lines.transcript) as supervisor:
        with pytest.raises(ServiceFailedError, match="web did not come up: it ended with exit code 3"):
            await supervisor.start(
                [_service("relay", _SERVES), _service("web", "print('reason'); raise SystemExit(3)")]
            )

    assert [line for line in lines.all() if line.startswith("web")] == ["web        | reason"]
    assert not any(map(_is_alive, lines.numbers("pid")))


async def test_a_kept_service_that_does_not_come_up_at_first_comes_later_and_stops_nothing(
    lines: _Lines, tmp_path: Path
) -> None:
    missing = tmp_path / "missing"
    late = f"import os, sys\nif not os.path.exists({str(missing)!r}): sys.exit('not yet')\n{_SERVES}"
    async with supervising(lines.transcript, backoff_s_min=0.01) as supervisor:
        await supervisor.start([_service("web", _SERVES)])
        supervisor.keep([_service("worker", late)])
        await _until(lambda: sum("not yet" in line for line in lines.all()) >= 2)
        missing.touch()
        await _until(lambda: len(lines.numbers("pid")) == 2)

        assert all(map(_is_alive, lines.numbers("pid")))


async def test_a_service_that_will_not_end_is_made_to_within_two_seconds(lines: _Lines) -> None:
    async with supervising(lines.transcript) as supervisor:
        await supervisor.start([_service("stubborn", _IGNORES_SIGTERM), _service("other", _IGNORES_SIGTERM)])
        await _until(lambda: len(lines.numbers("pid")) == 2)
        began = time.monotonic()

    assert time.monotonic() - began < 2
    assert not any(map(_is_alive, lines.numbers("pid")))


async def test_a_grandchild_neither_delays_the_end_nor_survives_it(lines: _Lines) -> None:
    async with supervising(lines.transcript) as supervisor:
        await supervisor.start([_service("parent", _LEAVES_A_CHILD)])
        await _until(lambda: lines.numbers("pid"))
        began = time.monotonic()

    assert time.monotonic() - began < 2
    await _until(lambda: not any(map(_is_alive, lines.numbers("child"))))


async def test_groups_stop_in_the_opposite_order(lines: _Lines, tmp_path: Path) -> None:
    ends = tmp_path / "ends"
    program = """
import os, signal, sys
def end(*_):
    with open(sys.argv[1], "a") as file:
        file.write(sys.argv[2] + "\\n")
    raise SystemExit
signal.signal(signal.SIGTERM, end)
os.write(int(os.environ["OMS_READY_FD"]), b"ready\\n")
signal.pause()
"""

    def service(name: str) -> ProgramService:
        return ProgramService(name, [sys.executable, "-c", program, str(ends), name], dict(os.environ))

    async with supervising(lines.transcript) as supervisor:
        await supervisor.start([service("database")])
        await supervisor.start([service("web")])

    assert ends.read_text().split() == ["web", "database"]


async def test_a_service_may_go_behind_others_for_the_processor(lines: _Lines) -> None:
    service = ProgramService("chore", [sys.executable, "-c", _SERVES], dict(os.environ), niceness=3)
    async with supervising(lines.transcript) as supervisor:
        await supervisor.start([service])
        await _until(lambda: lines.numbers("pid"))

        assert os.getpriority(os.PRIO_PROCESS, lines.numbers("pid")[0]) == os.getpriority(os.PRIO_PROCESS, 0) + 3


async def test_a_long_line_and_bytes_that_are_no_text_do_not_stop_the_log(lines: _Lines) -> None:
    program = "import sys; sys.stdout.buffer.write(b'x' * 100_000 + b'\\n\\xff\\nlast')"
    async with supervising(lines.transcript) as supervisor:
        code = await supervisor.run("once", Command(argv=[sys.executable, "-c", program], environment=dict(os.environ)))

    assert code == 0
    assert sum(line.count("x") for line in lines.all()) >= 16_384
    assert lines.all()[-2:] == ["once       | \N{REPLACEMENT CHARACTER}", "once       | last"]
