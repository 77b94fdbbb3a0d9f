"""What is wrong with an order: each problem under its code and path, and the hash of what was asked."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.fix import OrderType, Side, TimeInForce
from app.core.ids import AccountId, InstrumentId
from app.core.messages import NewOrder, OcoLeg, OrderTerms
from app.orders.domain.placing import (
    METADATA_BYTES_MAX,
    PRICE_MAX,
    QUANTITY_MAX,
    expiry_problem,
    form_problems,
    grid_problems,
    post_only_problem,
    terms_document,
    terms_hash,
    terms_problems,
)
from app.orders.errors import MEANING, OrderProblem
from tests.factories import instrument, new_order

ACCOUNT = AccountId(UUID(int=1))
INSTRUMENT = InstrumentId(UUID(int=2))
EXPIRY = datetime(2026, 3, 6, 21, tzinfo=UTC)


def asked(**changes: Any) -> NewOrder:
    return replace(
        new_order(ACCOUNT, INSTRUMENT, client_order_id="desk-1", quantity="100", limit_price="10.00"), **changes
    )


def with_terms(**changes: Any) -> NewOrder:
    return asked(terms=replace(asked().terms, **changes))


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def of_type(order_type: OrderType, *, limit: str | None = None, stop: str | None = None, **more: Any) -> NewOrder:
    return asked(
        order_type=order_type,
        terms=replace(asked().terms, limit_price=_decimal(limit), stop_price=_decimal(stop), **more),
    )


def paired(
    order_type: OrderType = OrderType.LIMIT, *, time_in_force: TimeInForce = TimeInForce.GTC, **terms: Any
) -> NewOrder:
    """A limit to buy at 10, and a second leg: a limit at 9, or as the terms say."""
    prices = terms or {"limit_price": Decimal(9)}
    leg = OrderTerms(quantity=Decimal(100), time_in_force=time_in_force, **prices)
    return replace(with_terms(time_in_force=time_in_force), oco=OcoLeg(side=Side.BUY, order_type=order_type, terms=leg))


@pytest.mark.parametrize(
    "new",
    [
        asked(),
        paired(),
        paired(OrderType.TRAILING_STOP, trailing_amount=Decimal("0.5")),
        of_type(OrderType.MARKET),
        of_type(OrderType.STOP, stop="9"),
        of_type(OrderType.TRAILING_STOP, trailing_amount=Decimal("0.5")),
        with_terms(time_in_force=TimeInForce.GTD, expires_at=EXPIRY),
        asked(post_only=True),
        of_type(OrderType.STOP_LIMIT, limit="9.5", stop="9"),
        asked(client_order_id="!"),
        asked(client_order_id="~" * 64),
        with_terms(quantity=Decimal("0.0000000001")),
        with_terms(quantity=QUANTITY_MAX, limit_price=PRICE_MAX),
        *(
            with_terms(time_in_force=word)
            for word in (TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK, TimeInForce.OPG)
        ),
        of_type(OrderType.MARKET, time_in_force=TimeInForce.OPG),
        asked(instrument_id=None, symbol="AAPL", exchange="SMART"),
        asked(metadata={"strategy": "pairs", "legs": [1, 2]}),
        asked(side=Side.SELL, outside_regular_hours=True),
    ],
)
def test_nothing_is_wrong_with_a_sound_order(new: NewOrder) -> None:
    assert form_problems(new) == ()


@pytest.mark.parametrize(
    ("new", "code", "path"),
    [
        (asked(client_order_id=""), "CLIENT_ORDER_ID_INVALID", "clientOrderId"),
        (asked(client_order_id="a" * 65), "CLIENT_ORDER_ID_INVALID", "clientOrderId"),
        (asked(client_order_id="a b"), "CLIENT_ORDER_ID_INVALID", "clientOrderId"),
        (asked(client_order_id="a\n"), "CLIENT_ORDER_ID_INVALID", "clientOrderId"),
        (asked(client_order_id="é"), "CLIENT_ORDER_ID_INVALID", "clientOrderId"),
        (asked(client_order_id="\x00"), "CLIENT_ORDER_ID_INVALID", "clientOrderId"),
        (asked(instrument_id=None), "INSTRUMENT_REQUIRED", "instrumentId"),
        (asked(symbol="AAPL"), "INSTRUMENT_REQUIRED", "instrumentId"),
        (asked(instrument_id=None, symbol=""), "INSTRUMENT_NOT_FOUND", "symbol"),
        (asked(instrument_id=None, symbol="A\x00"), "INSTRUMENT_NOT_FOUND", "symbol"),
        (asked(instrument_id=None, symbol="A" * 65), "INSTRUMENT_NOT_FOUND", "symbol"),
        (asked(exchange="\ud800"), "INSTRUMENT_NOT_FOUND", "exchange"),
        (with_terms(time_in_force=TimeInForce.GTD), "EXPIRY_REQUIRED", "expiresAt"),
        (of_type(OrderType.STOP, stop="9", time_in_force=TimeInForce.IOC), "TIME_IN_FORCE_MISMATCH", "timeInForce"),
        (of_type(OrderType.TRAILING_STOP), "PRICE_REQUIRED", "trailingAmount"),
        (of_type(OrderType.TRAILING_STOP, trailing_amount=Decimal(0)), "PRICE_INVALID", "trailingAmount"),
        (of_type(OrderType.TRAILING_STOP, stop="9", trailing_amount=Decimal(1)), "PRICE_UNEXPECTED", "stopPrice"),
        (of_type(OrderType.STOP, stop="9", time_in_force=TimeInForce.OPG), "TIME_IN_FORCE_MISMATCH", "timeInForce"),
        (with_terms(time_in_force=TimeInForce.OPG, expires_at=EXPIRY), "EXPIRY_UNEXPECTED", "expiresAt"),
        (replace(with_terms(time_in_force=TimeInForce.OPG), post_only=True), "POST_ONLY_UNSUITED", "postOnly"),
        (
            replace(with_terms(time_in_force=TimeInForce.OPG), outside_regular_hours=True),
            "OUTSIDE_HOURS_UNSUITED",
            "outsideRegularHours",
        ),
        (with_terms(expires_at=EXPIRY), "EXPIRY_UNEXPECTED", "expiresAt"),
        (replace(of_type(OrderType.MARKET), post_only=True), "POST_ONLY_UNSUITED", "postOnly"),
        (asked(post_only=True, is_staged=True), "POST_ONLY_UNSUITED", "postOnly"),
        (
            replace(with_terms(time_in_force=TimeInForce.IOC), post_only=True),
            "POST_ONLY_UNSUITED",
            "postOnly",
        ),
        (replace(paired(), post_only=True), "POST_ONLY_UNSUITED", "postOnly"),
        (paired(time_in_force=TimeInForce.OPG), "OCO_LEGS_INVALID", "timeInForce"),
        (paired(time_in_force=TimeInForce.GTD), "EXPIRY_REQUIRED", "expiresAt"),
        (asked(take_profit=Decimal(0)), "PRICE_INVALID", "takeProfit"),
        (asked(stop_loss=Decimal(11)), "EXIT_PRICE_CROSSED", "stopLoss"),
        (asked(release_at=EXPIRY), "RELEASE_TIME_INVALID", "releaseAt"),
        (asked(metadata={"a": "b" * METADATA_BYTES_MAX}), "METADATA_INVALID", "metadata"),
        (asked(metadata={"a": "\x00"}), "METADATA_INVALID", "metadata"),
        (asked(metadata={"a": 2**64}), "METADATA_INVALID", "metadata"),
        (asked(metadata={"a": 10**5000}), "METADATA_INVALID", "metadata"),
        (with_terms(quantity=Decimal(0)), "QUANTITY_INVALID", "quantity"),
        (with_terms(quantity=Decimal(-1)), "QUANTITY_INVALID", "quantity"),
        (with_terms(quantity=QUANTITY_MAX + Decimal("0.0000000001")), "QUANTITY_INVALID", "quantity"),
        (with_terms(limit_price=None), "PRICE_REQUIRED", "limitPrice"),
        (of_type(OrderType.STOP), "PRICE_REQUIRED", "stopPrice"),
        (of_type(OrderType.STOP_LIMIT, limit="9"), "PRICE_REQUIRED", "stopPrice"),
        (of_type(OrderType.STOP_LIMIT, stop="9"), "PRICE_REQUIRED", "limitPrice"),
        (of_type(OrderType.MARKET, limit="9"), "PRICE_UNEXPECTED", "limitPrice"),
        (of_type(OrderType.MARKET, stop="9"), "PRICE_UNEXPECTED", "stopPrice"),
        (of_type(OrderType.LIMIT, limit="9", stop="9"), "PRICE_UNEXPECTED", "stopPrice"),
        (of_type(OrderType.STOP, limit="9", stop="9"), "PRICE_UNEXPECTED", "limitPrice"),
        (of_type(OrderType.MARKET, trailing_amount=Decimal(1)), "PRICE_UNEXPECTED", "trailingAmount"),
        (with_terms(limit_price=Decimal(0)), "PRICE_INVALID", "limitPrice"),
        (with_terms(limit_price=Decimal("-0.01")), "PRICE_INVALID", "limitPrice"),
        (with_terms(limit_price=PRICE_MAX + 1), "PRICE_INVALID", "limitPrice"),
        (of_type(OrderType.STOP, stop="0"), "PRICE_INVALID", "stopPrice"),
    ],
)
def test_one_thing_wrong_is_told_by_code_and_path(new: NewOrder, code: str, path: str) -> None:
    [found] = form_problems(new)

    assert (found.code, found.path) == (code, (path,))


@pytest.mark.parametrize(
    ("new", "code", "path"),
    [
        (paired(OrderType.TRAILING_STOP, limit_price=None), "PRICE_REQUIRED", "trailingAmount"),
        (paired(OrderType.TRAILING_STOP, trailing_amount=Decimal(0)), "PRICE_INVALID", "trailingAmount"),
        (paired(trailing_amount=Decimal(1), limit_price=Decimal(9)), "PRICE_UNEXPECTED", "trailingAmount"),
        (paired(limit_price=Decimal(9), expires_at=EXPIRY), "EXPIRY_UNEXPECTED", "expiresAt"),
    ],
)
def test_what_is_wrong_with_the_second_leg_is_told_with_its_place(new: NewOrder, code: str, path: str) -> None:
    [found] = form_problems(new)

    assert (found.code, found.path) == (code, ("legs", "1", path))
    assert found.message


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(seconds=-1), timedelta(days=366, seconds=1)])
def test_an_expiry_that_passed_or_is_too_far_is_refused(ahead: timedelta) -> None:
    terms = with_terms(time_in_force=TimeInForce.GTD, expires_at=EXPIRY).terms

    found = expiry_problem(terms, EXPIRY - ahead)

    assert found is not None
    assert (found.code, found.path) == ("EXPIRY_INVALID", ("expiresAt",))


def test_an_expiry_to_come_is_taken() -> None:
    terms = with_terms(time_in_force=TimeInForce.GTD, expires_at=EXPIRY).terms

    assert expiry_problem(terms, EXPIRY - timedelta(seconds=1)) is None
    assert expiry_problem(terms, EXPIRY - timedelta(days=366)) is None
    assert expiry_problem(asked().terms, EXPIRY) is None


@pytest.mark.parametrize(
    ("side", "limit", "code"),
    [
        (Side.BUY, "10.02", "POST_ONLY_WOULD_TAKE"),
        (Side.BUY, "10.01", None),
        (Side.SELL, "10.00", "POST_ONLY_WOULD_TAKE"),
        (Side.SELL, "10.01", None),
    ],
)
def test_a_post_only_limit_may_not_meet_the_quote(side: Side, limit: str, code: str | None) -> None:
    found = post_only_problem(side, Decimal(limit), bid=Decimal("10.00"), ask=Decimal("10.02"))

    assert (found.code if found else None) == code


def test_a_post_only_limit_without_a_quote_is_refused() -> None:
    found = post_only_problem(Side.BUY, Decimal(10), bid=Decimal(9), ask=None)

    assert found is not None
    assert found.code == "POST_ONLY_NO_QUOTE"


def test_all_that_is_wrong_is_told_at_once() -> None:
    new = replace(with_terms(quantity=Decimal(0), limit_price=None), client_order_id="", instrument_id=None)

    assert {one.code for one in form_problems(new)} == {
        "CLIENT_ORDER_ID_INVALID",
        "INSTRUMENT_REQUIRED",
        "QUANTITY_INVALID",
        "PRICE_REQUIRED",
    }


def test_the_terms_of_a_modify_are_held_to_the_same_rules() -> None:
    found = terms_problems(OrderType.LIMIT, OrderTerms(quantity=Decimal(0)))

    assert [(one.code, one.path) for one in found] == [
        ("QUANTITY_INVALID", ("quantity",)),
        ("PRICE_REQUIRED", ("limitPrice",)),
    ]


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"quantity": Decimal("1.5")}, "QUANTITY_OFF_LOT", "quantity"),
        ({"limit_price": Decimal("10.001")}, "PRICE_OFF_TICK", "limitPrice"),
        ({"stop_price": Decimal("10.0000000001")}, "PRICE_OFF_TICK", "stopPrice"),
        ({"trailing_amount": Decimal("0.005")}, "PRICE_OFF_TICK", "trailingAmount"),
    ],
)
def test_off_the_grid_is_refused_not_rounded(changes: dict[str, Any], code: str, path: str) -> None:
    [found] = grid_problems(replace(asked().terms, **changes), instrument("AAPL"))

    assert (found.code, found.path) == (code, (path,))
    assert "multiple of" in found.message


def test_the_grid_is_the_instruments_own() -> None:
    price = OrderTerms(quantity=Decimal(1), limit_price=Decimal("1.05005"))

    assert grid_problems(price, instrument("EUR.USD")) == ()
    assert [one.code for one in grid_problems(price, instrument("AAPL"))] == ["PRICE_OFF_TICK"]


@given(st.integers(1, 10**9), st.integers(1, 10**10))
def test_whole_lots_at_whole_ticks_are_on_the_grid(lots: int, ticks: int) -> None:
    on_grid = OrderTerms(quantity=Decimal(lots), limit_price=ticks * Decimal("0.01"))

    assert grid_problems(on_grid, instrument("AAPL")) == ()


def test_the_hash_is_the_same_for_ever() -> None:
    # Stored with each order: another value would turn every repeated key of the past into a conflict.
    assert terms_hash(asked(), INSTRUMENT).hex() == "a5218175068d1b9faa79c86709283376282d35ac9e3eca3b608f1de31c428781"


@pytest.mark.parametrize(
    "same",
    [
        with_terms(quantity=Decimal("100.000")),
        with_terms(limit_price=Decimal("1E+1")),
        asked(instrument_id=None, symbol="AAPL"),
        asked(metadata={}),
    ],
)
def test_the_same_wish_written_otherwise_has_the_same_hash(same: NewOrder) -> None:
    assert terms_hash(same, INSTRUMENT) == terms_hash(asked(), INSTRUMENT)


@pytest.mark.parametrize(
    "other",
    [
        asked(account_id=AccountId(UUID(int=9))),
        asked(client_order_id="desk-2"),
        asked(side=Side.SELL),
        asked(order_type=OrderType.MARKET),
        with_terms(quantity=Decimal(101)),
        with_terms(limit_price=Decimal("10.01")),
        with_terms(stop_price=Decimal(9)),
        with_terms(trailing_amount=Decimal(1)),
        with_terms(time_in_force=TimeInForce.GTC),
        with_terms(expires_at=EXPIRY),
        asked(post_only=True),
        asked(outside_regular_hours=True),
        asked(take_profit=Decimal(11)),
        asked(stop_loss=Decimal(9)),
        asked(metadata={"a": 1}),
    ],
)
def test_another_wish_has_another_hash(other: NewOrder) -> None:
    assert terms_hash(other, INSTRUMENT) != terms_hash(asked(), INSTRUMENT)


def test_another_instrument_has_another_hash() -> None:
    assert terms_hash(asked(), InstrumentId(UUID(int=3))) != terms_hash(asked(), INSTRUMENT)


@given(st.permutations(["a", "b", "c", "d"]))
def test_the_order_of_metadata_keys_does_not_count(keys: list[str]) -> None:
    first, then = ({key: ord(key) for key in order} for order in ("abcd", keys))

    assert terms_hash(asked(metadata=first), INSTRUMENT) == terms_hash(asked(metadata=then), INSTRUMENT)


@given(
    st.from_regex(r"[!-~]{1,64}", fullmatch=True),
    st.sampled_from([{}, {"strategy": "pärs", "legs": [1, 2.5, 1e16]}]),
    st.booleans(),
)
def test_a_hash_that_was_kept_is_found_again(key: str, metadata: dict[str, Any], is_staged: bool) -> None:
    new = asked(client_order_id=key, metadata=metadata, is_staged=is_staged, release_at=EXPIRY if is_staged else None)
    staged = [["staged", EXPIRY.isoformat()]] if is_staged else []

    document = [
        *(str(ACCOUNT), str(INSTRUMENT), key, "BUY", "LIMIT", terms_document(new.terms)),
        *(False, False, None, None, metadata, *staged),
    ]
    kept = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    assert terms_hash(new, INSTRUMENT) == hashlib.sha256(kept).digest()


def test_terms_are_written_as_plain_decimals_in_camel_case() -> None:
    full = OrderTerms(
        quantity=Decimal("1E+2"),
        limit_price=Decimal("10.50"),
        time_in_force=TimeInForce.GTD,
        expires_at=EXPIRY,
    )

    assert terms_document(full) == {
        "quantity": "100",
        "limitPrice": "10.5",
        "stopPrice": None,
        "trailingAmount": None,
        "timeInForce": "GTD",
        "expiresAt": "2026-03-06T21:00:00+00:00",
    }


@pytest.mark.parametrize("code", OrderProblem)
def test_every_problem_has_a_meaning(code: OrderProblem) -> None:
    assert MEANING[code].strip()
