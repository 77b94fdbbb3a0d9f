"""What a new account has to be."""

from dataclasses import replace
from typing import Any

import pytest

from app.brokers.domain import (
    CLIENT_ID_MAX,
    NewAccount,
    checked_account,
    checked_credentials,
    seats_of,
)
from app.brokers.errors import GatewayNotAllowedError
from app.core.errors import InputError
from app.core.fix import BrokerKind

GATEWAYS = frozenset({("ib-gateway", 4003), ("ib-gateway", 4004)})
ASKED = NewAccount(
    broker=BrokerKind.INTERACTIVE_BROKERS,
    account_number="DU1234567",
    account_type="margin",
    base_currency="USD",
    host="IB-Gateway",
    port=4004,
    client_id=7,
    is_paper=True,
)


def checked(owns_manual_orders: bool = False, **terms: Any) -> NewAccount:
    return checked_account(replace(ASKED, **terms), GATEWAYS, owns_manual_orders=owns_manual_orders)


def test_what_is_stored_is_written_one_way() -> None:
    account = checked(account_number=" du1234567 ", label="  Growth ")

    assert (account.account_number, account.account_type, account.host) == ("DU1234567", "MARGIN", "ib-gateway")
    assert account.label == "Growth"


@pytest.mark.parametrize("number", ["U1234567", "F7654321", "I0012345", "U1234567Z"])
def test_a_number_without_d_is_real_money(number: str) -> None:
    assert checked(account_number=number, is_paper=False).account_number == number
    with pytest.raises(InputError) as refused:
        checked(account_number=number, is_paper=True)
    assert refused.value.path == ("isPaper",)


def test_a_paper_number_is_no_real_account() -> None:
    with pytest.raises(InputError) as refused:
        checked(account_number="DF1234567", is_paper=False)

    assert refused.value.path == ("isPaper",)


@pytest.mark.parametrize(
    ("terms", "path"),
    [
        ({"account_number": ""}, "accountNumber"),
        ({"account_number": "1234567"}, "accountNumber"),
        ({"account_number": "DU12\x0034567"}, "accountNumber"),
        ({"account_number": "DU1234567; DROP"}, "accountNumber"),
        ({"account_number": "ＤＵ1234567"}, "accountNumber"),
        ({"account_type": ""}, "accountType"),
        ({"account_type": "M" * 33}, "accountType"),
        ({"base_currency": "usd"}, "baseCurrency"),
        ({"base_currency": "XXX"}, "baseCurrency"),
        ({"port": 0}, "port"),
        ({"port": 65536}, "port"),
        ({"client_id": -1}, "clientId"),
        ({"client_id": CLIENT_ID_MAX + 1}, "clientId"),
        ({"host": " "}, "host"),
        ({"host": "ib\x00gateway"}, "host"),
        ({"label": "x" * 101}, "label"),
        ({"label": "a\nb"}, "label"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(terms: dict[str, Any], path: str) -> None:
    with pytest.raises(InputError) as refused:
        checked(**terms)

    assert refused.value.path == (path,)


@pytest.mark.parametrize(
    ("host", "port"),
    [("ib-gateway", 22), ("postgres", 5432), ("127.0.0.1", 4004), ("169.254.169.254", 80), ("ib-gateway.evil", 4004)],
)
def test_only_the_gateways_of_the_operator_are_reached(host: str, port: int) -> None:
    with pytest.raises(GatewayNotAllowedError):
        checked(host=host, port=port)


def test_client_id_zero_is_taken_by_explicit_choice_alone() -> None:
    assert checked(client_id=0, owns_manual_orders=True).client_id == 0
    for client_id, owns_manual_orders in ((0, False), (7, True)):
        with pytest.raises(InputError) as refused:
            checked(owns_manual_orders, client_id=client_id)
        assert refused.value.path == ("ownsManualOrders",)


def test_an_account_of_the_paper_broker_needs_no_gateway() -> None:
    account = checked(broker=BrokerKind.PAPER, account_number="paper-1", host="paper", port=1, client_id=0)

    assert account.account_number == "paper-1"
    with pytest.raises(InputError):
        checked(broker=BrokerKind.PAPER, account_number="paper-1", is_paper=False)


def test_market_data_has_a_client_id_of_its_own() -> None:
    assert seats_of(7) == (7, 1007)


@pytest.mark.parametrize(
    "document",
    [
        [],
        "secret",
        {"": "secret"},
        {"pass word": "secret"},
        {"password": 7},
        {"password": ""},
        {"password": {"nested": "secret"}},
        {"password": "x" * 4097},
        {f"n{place}": "secret" for place in range(17)},
    ],
)
def test_credentials_are_texts_by_name_and_never_quoted(document: Any) -> None:
    with pytest.raises(InputError) as refused:
        checked_credentials(document, may_remove=False)

    assert refused.value.path[0] == "credentials"
    assert "secret" not in refused.value.message


def test_a_secret_is_taken_away_by_null_where_one_may_be() -> None:
    assert checked_credentials({"password": None}, may_remove=True) == {"password": None}
    assert checked_credentials(None, may_remove=True) == {}
    with pytest.raises(InputError):
        checked_credentials({"password": None}, may_remove=False)
