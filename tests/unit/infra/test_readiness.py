"""How a process tells its supervisor that it serves."""

import os

import pytest

from app.infra.readiness import notify_ready


def test_the_word_is_given_once_and_the_descriptor_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    told, tell = os.pipe()
    monkeypatch.setenv("OMS_READY_FD", str(tell))

    notify_ready()
    notify_ready()

    assert os.read(told, 100) == b"ready\n"
    assert os.read(told, 100) == b""
    os.close(told)


@pytest.mark.parametrize("value", ["", "nine", "-1", "9999"])
def test_nobody_to_tell_is_no_failure(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("OMS_READY_FD", value)

    notify_ready()

    assert "OMS_READY_FD" not in os.environ
