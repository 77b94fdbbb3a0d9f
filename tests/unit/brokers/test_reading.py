"""The short way for openOrder says what the library's decoder says; what it does not know goes the library's way."""

import logging
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.brokers.ib import translate
from app.brokers.ib.library import Library, LibraryName
from app.brokers.ib.reading import Frames
from app.core.catalogue import CATALOGUE
from app.core.fix import Side
from app.core.messages import StatusReport
from app.infra.system import SystemClock, SystemIds
from app.simulator.directory import ContractQuery, Directory
from app.simulator.order_messages import open_order
from app.simulator.orders import OrderRequest, OrderStatus, SimulatedOrder

NOW = SystemClock().now()
WAYS: list[tuple[LibraryName, int]] = [
    ("ib_insync", 157),
    ("ib_insync", 162),
    ("ib_insync", 176),
    ("ib_async", 176),
    ("ib_async", 178),
]
# Where each stands at server version 176, when deltaNeutralOrderType is filled.
LEGS, LEG_PRICES, ROUTING, SCALE, HEDGE, NEUTRAL, ALGORITHM, WHAT_IF = 79, 80, 81, 84, 85, 90, 91, 93


class Heard:
    """The decoder's wrapper: keeps what openOrder was called with."""

    def __init__(self) -> None:
        self.reports: list[StatusReport | None] = []
        self.contracts: list[tuple[int, str, str]] = []
        self.lost: list[str] = []

    def openOrder(self, orderId: int, contract: Any, order: Any, state: Any) -> None:
        assert orderId == order.orderId
        self.contracts.append((contract.conId, contract.symbol, order.action))
        self.reports.append(translate.open_order_report(order, state, NOW))

    def unreadable(self, detail: str) -> None:
        self.lost.append(detail)


def message(version: int, **terms: Any) -> list[str]:
    """The fields of an openOrder as the simulator writes it."""
    request = OrderRequest(
        **{
            "order_id": 7,
            "con_id": CATALOGUE[0].con_id,
            "side": Side.BUY,
            "quantity": Decimal("100.5"),
            "order_type": "LMT",
            "limit_price": Decimal("187.42"),
            "account": "DU1",
            "order_ref": str(SystemIds().new()),
            **terms,
        }
    )
    order = SimulatedOrder(request=request, client_id=3, perm_id=900, placed_at=NOW, status=OrderStatus.SUBMITTED)
    query = ContractQuery(
        con_id=request.con_id, symbol="", sec_type="", exchange="", primary_exchange="", currency="", local_symbol=""
    )
    listed = Directory(CATALOGUE).find_one(query)
    assert listed is not None
    return open_order(order, listed, version)[4:].decode().split("\0")[:-1]


def both(name: LibraryName, version: int, fields: list[str]) -> tuple[Heard, Heard]:
    """What the short way heard, and what the library's own decoder heard."""
    logging.disable(logging.CRITICAL)
    try:
        short, whole = Heard(), Heard()
        client = Library(name).client(short)
        client.decoder.serverVersion = version
        client.decoder.interpret(list(fields))
        other = Library(name).client(whole)
        other.decoder.serverVersion = version
        other.decoder.handlers[5] = other.decoder.openOrder
        other.decoder.interpret(list(fields))
    finally:
        logging.disable(logging.NOTSET)
    return short, whole


@pytest.mark.parametrize(("name", "version"), WAYS)
@pytest.mark.parametrize(
    "terms",
    [
        {},
        {"order_type": "MKT", "limit_price": None},
        {"order_type": "STP", "limit_price": None, "aux_price": Decimal("180.05")},
        {"order_type": "STP LMT", "aux_price": Decimal("180")},
        {"order_type": "TRAIL", "limit_price": None, "aux_price": Decimal("1.5")},
        {"time_in_force": "GTD", "good_till_date": "20260105-14:30:00"},
        {"order_ref": "by hand", "oca_group": "pair", "oca_type": 2},
        {"is_what_if": True},
    ],
)
def test_short_way_says_what_the_library_says(name: LibraryName, version: int, terms: dict[str, Any]) -> None:
    short, whole = both(name, version, message(version, **terms))

    assert short.reports == whole.reports
    assert short.contracts == whole.contracts
    assert len(short.reports) == 1
    assert short.reports[0] is not None
    assert short.lost == whole.lost == []


@pytest.mark.parametrize(("name", "version"), [("ib_insync", 176), ("ib_async", 178)])
@pytest.mark.parametrize(
    ("place", "told", "more"),
    [
        (LEGS, "1", ["265598", "1", "BUY", "SMART", "0", "0", "", "-1"]),
        (LEG_PRICES, "1", ["1.5"]),
        (ROUTING, "1", ["NonGuaranteed", "1"]),
        (SCALE, "0.05", ["", "", "", "0", "", "", "0"]),
        (HEDGE, "D", [""]),
        (NEUTRAL, "1", ["265598", "0.5", "187.1"]),
        (ALGORITHM, "Vwap", ["1", "maxPctVol", "0.1"]),
        (WHAT_IF, "1", []),
    ],
)
def test_order_out_of_the_ordinary_is_read_by_the_library(
    name: LibraryName, version: int, place: int, told: str, more: list[str]
) -> None:
    at = place - (version >= 177)
    fields = message(version)
    fields[at : at + 1] = [told, *more]

    short, whole = both(name, version, fields)

    assert short.reports == whole.reports
    assert short.contracts == whole.contracts
    assert len(short.reports) == 1
    assert short.lost == whole.lost == []


@given(st.data())
def test_nothing_that_is_told_is_read_otherwise(data: st.DataObject) -> None:
    name, version = data.draw(st.sampled_from(WAYS))
    fields = message(version)
    place = data.draw(st.integers(1, len(fields) - 1))
    fields[place] = data.draw(st.sampled_from(["", "0", "1", "2", "-1", "17.5", "None", "x", "1.7976931348623157E308"]))

    short, whole = both(name, version, fields)

    # What the library loses over a field that nobody reads may be heard all the same; never the other way.
    if whole.reports:
        assert short.reports == whole.reports
    else:
        assert len(short.reports) <= 1


class Decoder:
    """Keeps the messages that it is given."""

    def __init__(self) -> None:
        self.seen: list[list[str]] = []
        self.fails_at: str | None = None

    def interpret(self, fields: list[str]) -> None:
        self.seen.append(fields)
        if fields[0] == self.fails_at:
            raise RuntimeError("from a callback")


class Session:
    """A library's client that is ready from its first bytes, and kept the rest of them."""

    def __init__(self) -> None:
        self.decoder = Decoder()
        self._data = b""
        self.is_ready = False

    def isReady(self) -> bool:
        return self.is_ready

    def _onSocketHasData(self, data: bytes) -> None:
        self._data += data
        self.is_ready = True


def frame(*fields: str) -> bytes:
    """A message on the wire."""
    payload = "".join(f"{field}\0" for field in fields).encode()
    return len(payload).to_bytes(4) + payload


@given(
    st.lists(st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=5), min_size=1)),
    st.data(),
)
def test_messages_are_the_same_however_the_bytes_are_cut(messages: list[list[str]], data: st.DataObject) -> None:
    stream = b"".join(frame(*fields) for fields in messages)
    session = Session()
    frames = Frames(session)
    frames.received(b"")

    at = 0
    while at < len(stream):
        size = data.draw(st.integers(1, 40))
        frames.received(stream[at : at + size])
        at += size

    assert session.decoder.seen == messages


def test_bytes_behind_the_handshake_are_not_lost() -> None:
    session = Session()
    frames = Frames(session)

    frames.received(frame("4", "a")[:5])
    frames.received(frame("4", "a")[5:] + frame("3", "b"))

    assert session.decoder.seen == [["4", "a"], ["3", "b"]]


def test_message_that_fails_is_not_read_again() -> None:
    session = Session()
    frames = Frames(session)
    frames.received(b"")
    session.decoder.fails_at = "4"

    with pytest.raises(RuntimeError):
        frames.received(frame("4", "a") + frame("3", "b"))
    frames.received(b"")

    assert session.decoder.seen == [["4", "a"], ["3", "b"]]
