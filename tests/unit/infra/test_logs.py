"""Log lines that cannot be forged, and that tell no secret."""

import logging
import sys

import pytest
from pydantic import SecretStr

from app.infra.logs import Lines, secrets_of
from app.infra.settings import Settings


def written(message: object, *arguments: object, secrets: tuple[str, ...] = (), failure: str | None = None) -> str:
    """The text of a record."""
    exc_info = None
    if failure is not None:
        try:
            raise ValueError(failure)
        except ValueError:
            exc_info = sys.exc_info()
    record = logging.LogRecord("oms.test", logging.INFO, "x.py", 1, message, arguments, exc_info)
    return Lines(secrets).format(record)


def test_a_record_is_a_line() -> None:
    assert written("served %s", "a") == "INFO oms.test: served a"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("a\r\nERROR oms.web: forged", "a\\x0d\n  ERROR oms.web: forged"),
        ("a\x1b[2J\x1b]0;title\x07", "a\\x1b[2J\\x1b]0;title\\x07"),
        ("a\x00b\x7f\x9b31m", "a\\x00b\\x7f\\x9b31m"),
        ("a\u2028b\u202egnp", "a\\u2028b\\u202egnp"),
        ("a\x85b", "a\\x85b"),
        ("tab\tstays, é too", "tab\tstays, é too"),
    ],
)
def test_what_came_in_cannot_begin_a_line_or_move_a_terminal(given: str, told: str) -> None:
    assert written("it said %s", given) == f"INFO oms.test: it said {told}"


def test_a_failure_that_quotes_what_came_in_cannot_begin_a_line_either() -> None:
    text = written("failed", failure="x\nERROR oms.web: forged \x1b[31m")

    lines = text.split("\n")
    assert lines[0] == "INFO oms.test: failed"
    assert all(line.startswith("  ") for line in lines[1:])
    assert "\x1b" not in text


@pytest.mark.parametrize(
    "secret",
    [
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
        "oms_" + "a" * 26 + "_" + "b" * 10 + "_" + "c" * 52,
        "omr_" + "a" * 26 + "_" + "c" * 52,
    ],
    ids=["access token", "api key", "refresh token"],
)
def test_credentials_of_the_house_are_hidden_wherever_they_stand(secret: str) -> None:
    assert secret not in written(f"refused {secret}, again")
    assert written(f"refused {secret}, again") == "INFO oms.test: refused [hidden], again"
    assert secret not in written("failed", failure=f"Authorization: Bearer {secret}")


def test_passwords_in_addresses_are_hidden() -> None:
    assert written("no postgresql://oms:kT7vPz3q@db/oms") == "INFO oms.test: no postgresql://oms:[hidden]@db/oms"
    assert written("Bearer abcdefghij") == "INFO oms.test: Bearer [hidden]"


def test_the_secrets_of_the_settings_are_hidden_by_their_value() -> None:
    settings = Settings(
        environment="test",
        token_secret=SecretStr("3vQ9Zk4pU0u9c1XqJvR7mT2yH8bW6nL3"),
        previous_token_secrets=SecretStr("older-key-that-is-long-enough-000 oldest-key-that-is-long-enough-00"),
        master_key=SecretStr("2:bWFzdGVyLWtleS1udW1iZXItMi1vZi0zMi1ieXRlcy4="),
        database_url="postgresql://oms:p%40ss-word-9@db/oms",
    )
    known = secrets_of(settings)

    for secret in (
        "3vQ9Zk4pU0u9c1XqJvR7mT2yH8bW6nL3",
        "older-key-that-is-long-enough-000",
        "bWFzdGVyLWtleS1udW1iZXItMi1vZi0zMi1ieXRlcy4=",
        "p@ss-word-9",
    ):
        assert secret in known
        assert secret not in written(f"<{secret}>", secrets=tuple(known))


def test_settings_do_not_show_their_secrets() -> None:
    settings = Settings(
        environment="test",
        token_secret=SecretStr("3vQ9Zk4pU0u9c1XqJvR7mT2yH8bW6nL3"),
        database_url="postgresql://oms:hidden-word@db/oms",
        migration_database_url="postgresql://oms:hidden-word@db/oms",
        redis_url="redis://:hidden-word@cache",
    )

    for shown in (repr(settings), str(settings)):
        assert "hidden-word" not in shown
        assert "3vQ9Zk4pU0u9c1XqJvR7mT2yH8bW6nL3" not in shown
