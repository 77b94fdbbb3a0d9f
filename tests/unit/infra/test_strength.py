"""Secrets that somebody drew at random, and those that the next person guesses."""

import secrets

import pytest

from app.infra.strength import weakness_of_address, weakness_of_key, weakness_of_text


@pytest.mark.parametrize(
    "secret",
    [
        "a" * 64,
        "abcabcabcabcabcabcabcabcabcabcabcabc",
        "change-me-change-me-change-me-change-me",
        "my-super-secret-key-of-the-company-2026",
        "passwordpasswordpasswordpassword1",
        "12345678901234567890123456789012",
        "replace_me_with_something_long_enough",
    ],
)
def test_a_key_that_can_be_guessed_is_weak(secret: str) -> None:
    assert weakness_of_text(secret) is not None


def test_keys_drawn_at_random_are_not() -> None:
    for _ in range(300):
        assert weakness_of_text(secrets.token_urlsafe(48)) is None
        assert weakness_of_text(secrets.token_hex(32)) is None
        assert weakness_of_key(secrets.token_bytes(32)) is None


def test_a_master_key_of_the_same_byte_is_weak() -> None:
    assert weakness_of_key(bytes(32)) is not None
    assert weakness_of_key(b"ab" * 16) is not None


@pytest.mark.parametrize("word", ["postgres", "oms", "password", "changeme", "short", "PASSWORD", "root"])
def test_a_password_that_everybody_tries_first_is_weak(word: str) -> None:
    assert weakness_of_address(f"postgresql://oms:{word}@db/oms") is not None


def test_addresses_without_a_password_need_none() -> None:
    assert weakness_of_address("postgresql:///oms?host=/run/postgresql") is None
    assert weakness_of_address("redis://cache:6379/0") is None
    assert weakness_of_address("postgresql://oms:kT7vPz3q@db/oms") is None
