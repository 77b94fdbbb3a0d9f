"""Exact values alone: what the scalars take, what they refuse, and how they are written."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from graphql import get_operation_ast, parse
from hypothesis import given
from hypothesis import strategies as st

from app.core.money import plain
from schema.base.paths import variable_errors
from schema.base.scalars import parse_date_time, parse_decimal_input, write_date_time
from schema.schema import schema
from tests.graphql.conftest import PLACE, Firm


@pytest.mark.parametrize(
    "value",
    [
        "NaN",
        "Infinity",
        "-Infinity",
        "sNaN",
        "1E+999999",
        "1e5",
        "1_000",
        "\uff11\uff12",
        " 1",
        "1 ",
        "+1",
        "",
        ".5",
        "5.",
        "01",
        "0x10",
        "1,5",
        "1.12345678901",
        "1234567890123456789",
        "9" * 5000,
        "1\x00",
        1.5,
        True,
        [],
        ["1"],
        {},
        {"value": "1"},
    ],
)
async def test_what_is_no_exact_number_is_refused(firm: Firm, value: Any) -> None:
    error = await firm.api.error(PLACE, input=firm.order(quantity=value))

    assert error["extensions"] == {"code": "BAD_USER_INPUT", "path": ["input", "quantity"]}
    assert len(error["message"]) < 300


async def test_integers_and_plain_strings_are_taken_digit_for_digit(firm: Firm) -> None:
    place = "mutation($i: PlaceOrderInput!) { placeOrder(input: $i) { order { quantity limitPrice } errors { code } } }"
    for quantity, price in ((10, "187.50"), ("10", 187), ("10.0000000000", "187.5")):
        data = await firm.api.data(place, i=firm.order(quantity=quantity, limitPrice=price))

        order = data["placeOrder"]["order"]
        assert (order["quantity"], Decimal(order["limitPrice"])) == ("10", Decimal(price))


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-20T12:00:00",
        "2026-11-20 12:00:00Z",
        "2026-11-20",
        "2026-11-20T12:00Z",
        "2026-13-20T12:00:00Z",
        "2026-02-30T12:00:00Z",
        "2026-11-20T24:00:01Z",
        "2026-11-20T12:00:60Z",
        "2026-11-20T12:00:00.1234567Z",
        "2026-11-20T12:00:00+25:00",
        "2026-11-20T12:00:00+00:60",
        "0000-11-20T12:00:00Z",
        "9999-12-31T23:59:59-23:59",
        "\uff12026-11-20T12:00:00Z",
        "",
        1763640000,
        True,
        [],
    ],
)
async def test_what_is_no_instant_is_refused(firm: Firm, value: Any) -> None:
    document = "query($f: OrderFilter) { orders(filter: $f) { totalCount } }"

    refused = await firm.api.refusal(document, f={"createdAfter": value})

    assert refused[0] == "BAD_USER_INPUT"
    assert refused[1][:2] == ["filter", "createdAfter"]


@pytest.mark.parametrize(
    "value", ["a\x00b", {"a\x00": 1}, [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]], list(range(1001)), {"a": {"b": "\x00"}}]
)
async def test_what_cannot_be_stored_as_json_is_refused(firm: Firm, value: Any) -> None:
    assert await firm.api.refusal(PLACE, input=firm.order(metadata=value)) == (
        "BAD_USER_INPUT",
        ["input", "metadata"],
    )


async def test_a_text_that_cannot_be_stored_is_told_as_such(firm: Firm) -> None:
    for document, variables in (
        ("query($s: String) { instruments(search: $s) { totalCount } }", {"s": "a\x00"}),
        ("query($s: String!) { quote(symbol: $s) { last } }", {"s": "a\x00"}),
        ("query($f: OrderFilter) { orders(filter: $f) { totalCount } }", {"f": {"clientOrderId": "\x00"}}),
        ("query($s: [String!]) { positions(symbols: $s) { id } }", {"s": ["\x00"]}),
    ):
        assert (await firm.api.refusal(document, **variables))[0] == "BAD_USER_INPUT", document


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ({}, ["input"]),
        ({"input": None}, ["input"]),
        ({"input": {}}, ["input", "accountId"]),
        ({"input": "x"}, ["input"]),
    ],
)
async def test_a_missing_input_is_told_with_its_place(firm: Firm, arguments: dict[str, Any], path: list[str]) -> None:
    errors = (await firm.api.answer(PLACE, **arguments))["errors"]

    places = [error["extensions"]["path"] for error in errors]
    assert {error["extensions"]["code"] for error in errors} == {"BAD_USER_INPUT"}
    assert path in places or ["input"] in places


async def test_the_place_is_the_argument_that_a_variable_fills(firm: Firm) -> None:
    document = "mutation($order: PlaceOrderInput!) { placeOrder(input: $order) { errors { code } } }"

    assert await firm.api.refusal(document, order=firm.order(side="UP")) == ("BAD_USER_INPUT", ["input", "side"])


@given(st.decimals(allow_nan=False, allow_infinity=False, places=10, min_value=-(10**17), max_value=10**17))
def test_a_number_survives_the_way_in_and_out(number: Decimal) -> None:
    assert parse_decimal_input(plain(number)) == number


@given(
    st.datetimes(min_value=datetime.fromisoformat("0002-01-01"), max_value=datetime.fromisoformat("9998-01-01")),
    st.integers(-840, 840),
)
def test_an_instant_survives_the_way_in_and_out(naive: datetime, offset_minutes: int) -> None:
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=offset_minutes)))

    written = write_date_time(moment)

    assert parse_date_time(written) == moment
    assert parse_date_time(moment.isoformat()) == moment
    assert parse_date_time(written).tzinfo is UTC


def test_a_list_of_wrong_values_is_not_looked_at_to_its_end() -> None:
    document = parse("query Quotes($symbols: [String!]!) { quotes(symbols: $symbols) { time } }")
    operation = get_operation_ast(document)
    assert operation is not None
    seen: list[int] = []

    class Watched(list[int]):
        def __iter__(self) -> Iterator[int]:
            for value in super().__iter__():
                seen.append(value)
                yield value

    errors = variable_errors(schema._schema, operation, {"symbols": Watched(range(10_000))}, limit=20)

    assert [error["extensions"]["path"] for error in errors] == [["symbols", str(index)] for index in range(20)]
    assert seen == list(range(20))
