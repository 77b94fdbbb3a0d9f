"""Envelope encryption: what opens, what does not, and what a rotation of the master key leaves as it is."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.infra.vault import MasterKeyError, SecretUnreadableError, Vault, WrappedKey, new_master_key

OLD, NEW = new_master_key(), new_master_key()
PLACE = ("credentials", "tenant", "account", "password")


def test_what_was_sealed_opens_at_its_place() -> None:
    vault = Vault.of(f"1:{OLD}")
    key, stored = vault.new_data_key("tenant")

    sealed = key.seal("hunter2", *PLACE)

    assert b"hunter2" not in sealed
    assert vault.data_key(stored, "tenant").open(sealed, *PLACE) == "hunter2"


def test_the_same_secret_is_never_sealed_alike() -> None:
    key, _ = Vault.of(OLD).new_data_key("tenant")

    assert len({key.seal("hunter2", *PLACE) for _ in range(50)}) == 50


@given(place=st.integers(min_value=0), change=st.integers(min_value=1, max_value=255))
def test_a_change_of_any_byte_is_found(place: int, change: int) -> None:
    key, _ = Vault.of(OLD).new_data_key("tenant")
    sealed = bytearray(key.seal("hunter2", *PLACE))
    sealed[place % len(sealed)] ^= change

    with pytest.raises(SecretUnreadableError):
        key.open(bytes(sealed), *PLACE)


@pytest.mark.parametrize("length", [0, 1, 12, 13, 28, 29])
def test_what_was_cut_does_not_open(length: int) -> None:
    key, _ = Vault.of(OLD).new_data_key("tenant")

    with pytest.raises(SecretUnreadableError):
        key.open(key.seal("hunter2", *PLACE)[:length], *PLACE)


@pytest.mark.parametrize(
    "other",
    [
        ("credentials", "tenant", "account", "user"),
        ("credentials", "tenant", "other", "password"),
        ("credentials", "other", "account", "password"),
        ("credentials", "tenant", "accountpassword", ""),
        ("credentials", "tenant", "account"),
    ],
)
def test_what_was_sealed_for_one_place_does_not_open_at_another(other: tuple[str, ...]) -> None:
    key, _ = Vault.of(OLD).new_data_key("tenant")

    with pytest.raises(SecretUnreadableError):
        key.open(key.seal("hunter2", *PLACE), *other)


def test_a_data_key_of_one_tenant_does_not_open_as_another_ones() -> None:
    vault = Vault.of(OLD)
    _, stored = vault.new_data_key("tenant")

    with pytest.raises(SecretUnreadableError):
        vault.data_key(stored, "other")


def test_a_new_master_key_wraps_the_same_data_key_and_the_old_one_may_go() -> None:
    key, stored = Vault.of(f"1:{OLD}").new_data_key("tenant")
    sealed = key.seal("hunter2", *PLACE)
    both = Vault.of(f"2:{NEW},1:{OLD}")

    again = both.rewrap(stored, "tenant")

    assert (both.current, again.master_version) == ("2", "2")
    assert both.data_key(stored, "tenant").open(sealed, *PLACE) == "hunter2"
    assert Vault.of(f"2:{NEW}").data_key(again, "tenant").open(sealed, *PLACE) == "hunter2"


def test_a_master_key_that_is_gone_is_named() -> None:
    _, stored = Vault.of(f"1:{OLD}").new_data_key("tenant")

    with pytest.raises(SecretUnreadableError, match="version 1 of the master key is not in OMS_MASTER_KEY"):
        Vault.of(f"2:{NEW}").data_key(stored, "tenant")


def test_a_version_that_names_another_key_does_not_open() -> None:
    _, stored = Vault.of(f"1:{OLD}").new_data_key("tenant")

    with pytest.raises(SecretUnreadableError):
        Vault.of(f"1:{NEW}").data_key(stored, "tenant")
    with pytest.raises(SecretUnreadableError):
        Vault.of(f"2:{OLD},1:{NEW}").data_key(WrappedKey(master_version="2", wrapped=stored.wrapped), "tenant")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "1 to 16 versions"),
        ("1:short", "version 1 is not"),
        (f"1:{base64.b64encode(bytes(31)).decode()}", "version 1 is not a key of 32 bytes"),
        (f"1:{OLD},1:{NEW}", "version 1 comes twice"),
        (f"{OLD},{NEW}", "each needs a version"),
        (f"a b:{OLD}", "a version is 1 to 32 letters"),
    ],
    # The keys are drawn anew in each process.
    ids=["nothing", "short", "31 bytes", "a version twice", "no versions", "an odd version"],
)
def test_what_is_no_master_key_is_refused_without_quoting_it(text: str, told: str) -> None:
    with pytest.raises(MasterKeyError, match=told) as refused:
        Vault.of(text)

    assert OLD not in refused.value.message
