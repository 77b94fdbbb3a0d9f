"""What integration tests share: a folder for servers of their own, a free port."""

import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def state_dir() -> Iterator[Path]:
    """An empty state folder that root's servers can reach; gone after the test."""
    path = Path(tempfile.mkdtemp(prefix="oms-test-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def free_ports() -> tuple[int, int]:
    """Two ports that nobody listened on a moment ago."""
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1]), int(other.getsockname()[1])


@pytest.fixture
def free_port(free_ports: tuple[int, int]) -> int:
    """A port that nobody listened on a moment ago."""
    return free_ports[0]
