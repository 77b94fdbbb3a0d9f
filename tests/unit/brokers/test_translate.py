"""From Interactive Brokers' words to the house's, and back."""

import dataclasses
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.brokers.ib import translate
from app.core.fix import InstrumentType, OrderType, Side, TimeInForce
from app.core.ids import InstrumentId, OrderId
from app.core.messages import (
    CommissionReport,
    Contract,
    ExecutionReport,
    FaultClass,
    LaneCommand,
    LaneKind,
    OrderAddress,
    OrderTerms,
    OutsideOrder,
    StatusReport,
    WorkingStatus,
)
from app.core.money import plain

NOW = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
ORDER = OrderId(UUID("01890000-0000-7000-8000-000000000001"))
UNSET = 1.7976931348623157e308


@dataclass
class Raw:
    """An order, its state or an execution as a library would decode it."""

    account: str = "DU1"
    orderId: int = 7
    clientId: int = 3
    permId: int = 900
    orderRef: str = str(ORDER)
    action: str = "SELL"
    orderType: str = "LMT"
    totalQuantity: float | str = 100.0
    lmtPrice: float | str = 187.42
    auxPrice: float | str = 0.0
    tif: str = "DAY"
    goodTillDate: str = ""
    filledQuantity: float | str = UNSET
    faGroup: str = ""
    faMethod: str = ""
    faPercentage: str = ""
    whatIf: bool = False
    status: str = "Submitted"
    conId: int = 265598
    symbol: str = "AAPL"
    execId: str = "0000e0d5.6597.01.01"
    time: datetime = NOW
    acctNumber: str = "DU1"
    side: str = "BOT"
    shares: float = 40.0
    price: float = 187.4
    lastLiquidity: int = 2
    commission: float = 1.0
    currency: str = "USD"
    realizedPNL: float = UNSET


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("ApiPending", WorkingStatus.PENDING),
        ("PendingSubmit", WorkingStatus.PENDING),
        ("PendingCancel", WorkingStatus.PENDING),
        ("Inactive", WorkingStatus.PENDING),
        ("PreSubmitted", WorkingStatus.WORKING),
        ("Submitted", WorkingStatus.WORKING),
        ("ApiCancelled", WorkingStatus.CANCELED),
        ("Cancelled", WorkingStatus.CANCELED),
        ("Filled", WorkingStatus.FILLED),
        ("SomethingNew", None),
    ],
)
def test_each_status_text_says_one_of_four_words(text: str, status: WorkingStatus | None) -> None:
    assert translate.working_status(text) is status


def test_an_open_order_reports_its_status_with_the_terms_the_broker_holds() -> None:
    report = translate.open_order_report(Raw(), Raw(), NOW)

    assert report == StatusReport(
        address=OrderAddress(order_id=ORDER, permanent_id=900, client_id=3, broker_order_id=7),
        status=WorkingStatus.WORKING,
        filled=Decimal(0),
        terms=OrderTerms(quantity=Decimal(100), limit_price=Decimal("187.42"), time_in_force=TimeInForce.DAY),
        occurred_at=NOW,
    )


@pytest.mark.parametrize(
    ("raw", "terms"),
    [
        (Raw(orderType="MKT", lmtPrice=0.0), OrderTerms(quantity=Decimal(100))),
        (
            Raw(orderType="STP", lmtPrice=0.0, auxPrice=180.5),
            OrderTerms(quantity=Decimal(100), stop_price=Decimal("180.5")),
        ),
        (
            Raw(orderType="STP LMT", lmtPrice=180.0, auxPrice=180.5),
            OrderTerms(quantity=Decimal(100), limit_price=Decimal(180), stop_price=Decimal("180.5")),
        ),
        (
            Raw(orderType="TRAIL", lmtPrice=UNSET, auxPrice=0.25),
            OrderTerms(quantity=Decimal(100), trailing_amount=Decimal("0.25")),
        ),
        (
            Raw(orderType="MKT", tif="GTD", goodTillDate="20260106 09:30:00 US/Eastern"),
            OrderTerms(
                quantity=Decimal(100),
                time_in_force=TimeInForce.GTD,
                expires_at=datetime(2026, 1, 6, 14, 30, tzinfo=UTC),
            ),
        ),
    ],
)
def test_each_order_type_keeps_the_prices_that_are_its_own(raw: Raw, terms: OrderTerms) -> None:
    assert translate.terms_of(raw) == terms


def test_an_order_of_somebody_else_says_what_it_is() -> None:
    placed_here = translate.open_order_report(Raw(), Raw(), NOW, Raw())
    by_hand = translate.open_order_report(Raw(orderRef="", orderType="STPLMT"), Raw(), NOW, Raw())
    of_no_known_kind = translate.open_order_report(Raw(orderRef="", orderType="PEG MID"), Raw(), NOW, Raw())

    assert placed_here is not None
    assert placed_here.outside is None
    assert by_hand is not None
    assert by_hand.outside == OutsideOrder(contract_id=265598, side=Side.SELL, order_type=OrderType.STOP_LIMIT)
    assert of_no_known_kind is not None
    assert of_no_known_kind.outside is None


@pytest.mark.parametrize("raw", [Raw(orderType="PEG MID"), Raw(tif="AUC")])
def test_an_order_of_an_unknown_kind_reports_no_terms(raw: Raw) -> None:
    report = translate.open_order_report(raw, Raw(), NOW)

    assert report is not None
    assert report.terms is None


def test_an_order_by_hand_is_named_by_its_permanent_id_alone() -> None:
    report = translate.open_order_report(Raw(orderRef="my ref", orderId=0, clientId=0), Raw(), NOW)

    assert report is not None
    assert report.address == OrderAddress(permanent_id=900)


def test_a_completed_order_has_no_session_address() -> None:
    report = translate.completed_order_report(Raw(filledQuantity=30.0), Raw(status="Cancelled"), NOW)

    assert report is not None
    assert report.address == OrderAddress(order_id=ORDER, permanent_id=900)
    assert report.status is WorkingStatus.CANCELED
    assert report.filled == Decimal(30)


def test_an_execution_reports_root_revision_and_exact_numbers() -> None:
    report = translate.execution_report(Raw(), Raw(price=187.415))

    assert report == ExecutionReport(
        address=OrderAddress(order_id=ORDER, permanent_id=900, client_id=3, broker_order_id=7),
        execution_id="0000e0d5.6597.01.01",
        root="0000e0d5.6597.01",
        revision=1,
        contract_id=265598,
        side=Side.BUY,
        quantity=Decimal(40),
        price=Decimal("187.415"),
        liquidity="REMOVED",
        executed_at=NOW,
    )


@pytest.mark.parametrize(
    ("execution_id", "expected"),
    [
        ("0000e0d5.6597.01.02", ("0000e0d5.6597.01", 2)),
        ("a.10", ("a", 10)),
        ("nodots", ("nodots", 0)),
        ("a.b", ("a.b", 0)),
        (".1", (".1", 0)),
        ("a.", ("a.", 0)),
        ("a.²", ("a.²", 0)),
    ],
)
def test_execution_root(execution_id: str, expected: tuple[str, int]) -> None:
    assert translate.execution_root(execution_id) == expected


@pytest.mark.parametrize(("raw", "side"), [("BOT", Side.BUY), ("SLD", Side.SELL), ("BUY", Side.BUY)])
def test_side_of_an_execution(raw: str, side: Side) -> None:
    assert translate.execution_report(Raw(), Raw(side=raw)).side is side


@pytest.mark.parametrize(
    ("raw", "expected"),
    [(1.25, Decimal("1.25")), (-0.3, Decimal("-0.3")), (-1.0, None), (UNSET, None), (0.0, Decimal(0))],
)
def test_a_commission_that_is_not_known_yet_is_none(raw: float, expected: Decimal | None) -> None:
    assert translate.commission_report(Raw(commission=raw)) == CommissionReport(
        execution_id="0000e0d5.6597.01.01",
        root="0000e0d5.6597.01",
        commission=expected,
        currency="USD",
        realized_pnl=None,
    )


def test_a_fault_names_the_order_by_session_address() -> None:
    report = translate.fault_report(order_id=7, client_id=3, code=201, message="Order rejected", occurred_at=NOW)

    assert report.address == OrderAddress(client_id=3, broker_order_id=7)
    assert report.fault is FaultClass.ORDER_REJECTED
    assert report.broker_code == 201


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=4, allow_nan=False, allow_infinity=False))
def test_a_number_survives_the_librarys_float(number: Decimal) -> None:
    assert translate.exact(float(str(number))) == number


@pytest.mark.parametrize("value", [None, "", UNSET, float("nan"), float("inf"), str(UNSET)])
def test_not_set_is_none(value: Any) -> None:
    assert translate.known(value) is None


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_no_number_is_no_quantity(value: float) -> None:
    with pytest.raises(ValueError, match="not a finite number"):
        translate.exact(value)


AAPL = Contract(
    instrument_id=InstrumentId(UUID(int=1)),
    contract_id=265598,
    symbol="AAPL",
    instrument_type=InstrumentType.STOCK,
    exchange="SMART",
    currency="USD",
)
PLACE = LaneCommand(
    kind=LaneKind.PLACE,
    order_id=ORDER,
    request_id=None,
    broker_order_id=7,
    contract=AAPL,
    side=Side.BUY,
    order_type=OrderType.LIMIT,
    terms=OrderTerms(quantity=Decimal("100.0000000000"), limit_price=Decimal("0.0000001000")),
)


def test_a_command_becomes_an_order_with_account_reference_and_every_digit() -> None:
    fields = translate.order_fields(PLACE, "DU1")

    assert dataclasses.asdict(fields) == {
        "faGroup": "",
        "faMethod": "",
        "faPercentage": "",
        "action": "BUY",
        "orderType": "LMT",
        "totalQuantity": "100",
        "lmtPrice": "0.0000001",
        "auxPrice": None,
        "tif": "DAY",
        "goodTillDate": "",
        "outsideRth": False,
        "account": "DU1",
        "orderRef": str(ORDER),
        "ocaGroup": "",
        "ocaType": 0,
    }


@pytest.mark.parametrize(
    ("order_type", "terms", "limit", "auxiliary"),
    [
        (OrderType.MARKET, OrderTerms(quantity=Decimal(1)), None, None),
        (OrderType.STOP, OrderTerms(quantity=Decimal(1), stop_price=Decimal(9)), None, "9"),
        (
            OrderType.STOP_LIMIT,
            OrderTerms(quantity=Decimal(1), stop_price=Decimal(9), limit_price=Decimal(8)),
            "8",
            "9",
        ),
        (OrderType.TRAILING_STOP, OrderTerms(quantity=Decimal(1), trailing_amount=Decimal("0.5")), None, "0.5"),
    ],
)
def test_prices_of_each_order_type(
    order_type: OrderType, terms: OrderTerms, limit: str | None, auxiliary: str | None
) -> None:
    fields = translate.order_fields(dataclasses.replace(PLACE, order_type=order_type, terms=terms), "DU1")

    assert (fields.lmtPrice, fields.auxPrice) == (limit, auxiliary)


def test_an_expiry_is_written_in_utc() -> None:
    terms = OrderTerms(
        quantity=Decimal(1),
        time_in_force=TimeInForce.GTD,
        expires_at=datetime.fromisoformat("2026-01-06T09:30:00-05:00"),
    )

    fields = translate.order_fields(dataclasses.replace(PLACE, order_type=OrderType.MARKET, terms=terms), "DU1")

    assert (fields.tif, fields.goodTillDate) == ("GTD", "20260106-14:30:00")
    assert translate.parse_time(fields.goodTillDate) == terms.expires_at


@given(st.decimals(min_value=0, max_value=10**12, places=10, allow_nan=False, allow_infinity=False))
def test_a_price_is_written_digit_for_digit(price: Decimal) -> None:
    terms = OrderTerms(quantity=Decimal(1), limit_price=price)

    written = translate.order_fields(dataclasses.replace(PLACE, terms=terms), "DU1").lmtPrice

    assert written == plain(price)
    assert Decimal(written) == price
