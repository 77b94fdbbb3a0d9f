"""Questions and replies about orders that are not placed: as they travel, and as Interactive Brokers words them."""

from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.brokers.ib import translate
from app.brokers.questions import Question, Reply, decode_question, decode_reply, encode_question, encode_reply
from app.brokers.what_if import WhatIf, WhatIfAnswer
from app.core.errors import Problem
from app.core.fix import InstrumentType, OrderType, Side, TimeInForce
from app.core.ids import AccountId, InstrumentId, TenantId
from app.core.messages import Contract, OrderTerms

UNKNOWN = "1.7976931348623157E308"
UNSET = 1.7976931348623157e308

PRICES = st.none() | st.decimals(min_value=-(10**12), max_value=10**12, places=10)
TEXTS = st.none() | st.text(max_size=20)
WHAT_IFS = st.builds(
    WhatIf,
    contract=st.builds(
        Contract,
        instrument_id=st.uuids().map(InstrumentId),
        contract_id=st.integers(1, 10**9),
        symbol=st.text(max_size=8),
        instrument_type=st.sampled_from(InstrumentType),
        exchange=st.text(max_size=8),
        currency=st.text(max_size=3),
    ),
    side=st.sampled_from(Side),
    order_type=st.sampled_from(OrderType),
    terms=st.builds(
        OrderTerms,
        quantity=st.decimals(min_value=0, max_value=10**9, places=10),
        limit_price=PRICES,
        stop_price=PRICES,
        trailing_amount=PRICES,
        time_in_force=st.sampled_from(TimeInForce),
        expires_at=st.none() | st.datetimes(timezones=st.just(UTC)),
    ),
    outside_regular_hours=st.booleans(),
)
QUESTIONS = st.builds(
    Question,
    id=st.uuids(),
    reply_to=st.text(max_size=60),
    tenant_id=st.uuids().map(TenantId),
    account_id=st.uuids().map(AccountId),
    asked=WHAT_IFS,
)
ANSWERS = st.builds(
    WhatIfAnswer,
    initial_margin_change=PRICES,
    maintenance_margin_change=PRICES,
    commission=PRICES,
    commission_min=PRICES,
    commission_max=PRICES,
    commission_currency=TEXTS,
    warning=TEXTS,
)
REPLIES = st.builds(
    Reply,
    id=st.uuids(),
    answer=st.none() | ANSWERS,
    currency=TEXTS,
    reason=st.none() | st.builds(Problem, code=st.text(max_size=9), message=st.text(max_size=9)),
)


@dataclass
class RawState:
    """The state beside an openOrder as a library would decode it; nothing is known unless it is given."""

    status: str = "PreSubmitted"
    initMarginChange: str = UNKNOWN
    maintMarginChange: str = UNKNOWN
    commission: float = UNSET
    minCommission: float = UNSET
    maxCommission: float = UNSET
    commissionCurrency: str = ""
    warningText: str = ""


@given(QUESTIONS)
def test_a_question_comes_back_as_it_was(question: Question) -> None:
    assert decode_question(encode_question(question)) == question


@given(REPLIES)
def test_a_reply_comes_back_as_it_was(reply: Reply) -> None:
    assert decode_reply(encode_reply(reply)) == reply


@pytest.mark.parametrize("payload", [b"", b"\xff", b"{}", b"[]", b"1", b'{"id": "x"}'])
def test_what_is_no_message_is_refused(payload: bytes) -> None:
    with pytest.raises(ValueError, match="validation error"):
        decode_question(payload)
    with pytest.raises(ValueError, match="validation error"):
        decode_reply(payload)


def test_the_largest_double_means_that_nothing_is_known() -> None:
    assert translate.what_if_answer(RawState()) == WhatIfAnswer()


@pytest.mark.parametrize("text", ["", UNKNOWN, "nan", "inf", "-1.7976931348623157E308"])
def test_a_margin_that_is_not_told_is_none_and_the_other_is_kept(text: str) -> None:
    answer = translate.what_if_answer(RawState(initMarginChange=text, maintMarginChange="-4210.5"))

    assert answer == WhatIfAnswer(maintenance_margin_change=Decimal("-4210.5"))


def test_a_range_of_commissions_is_told_where_the_commission_is_not() -> None:
    answer = translate.what_if_answer(
        RawState(minCommission=0.35, maxCommission=1.55, commission=-1.0, commissionCurrency="USD", warningText="late")
    )

    assert answer == WhatIfAnswer(
        commission_min=Decimal("0.35"), commission_max=Decimal("1.55"), commission_currency="USD", warning="late"
    )


def test_a_figure_that_is_no_number_makes_no_answer() -> None:
    with pytest.raises(ValueError, match="no number"):
        translate.what_if_answer(RawState(initMarginChange="much"))


def test_a_question_is_written_with_its_account_and_names_no_order() -> None:
    asked = WhatIf(
        contract=Contract(
            instrument_id=InstrumentId(UUID(int=1)),
            contract_id=265598,
            symbol="AAPL",
            instrument_type=InstrumentType.STOCK,
            exchange="SMART",
            currency="USD",
        ),
        side=Side.SELL,
        order_type=OrderType.STOP_LIMIT,
        terms=OrderTerms(quantity=Decimal("10.50"), limit_price=Decimal("1E+2"), stop_price=Decimal("99.5")),
        outside_regular_hours=True,
    )

    fields = translate.what_if_fields(asked, "DU1")

    assert (fields.action, fields.orderType, fields.totalQuantity) == ("SELL", "STP LMT", "10.5")
    assert (fields.lmtPrice, fields.auxPrice, fields.tif, fields.outsideRth) == ("100", "99.5", "DAY", True)
    assert (fields.account, fields.ocaGroup) == ("DU1", "")
    assert translate.order_id_of(fields.orderRef) is None
