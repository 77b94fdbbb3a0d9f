"""What an entry of a restricted list covers, and what that means for an order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from app.compliance.domain.restrictions import AlertOutcome, Restriction, RestrictionKind, judge
from app.core.ids import InstrumentId, ListEntryId, RestrictedListId
from tests.factories import instrument

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)
AAPL = instrument("AAPL")


def entry(kind: RestrictionKind = RestrictionKind.NO_TRADE, **terms: Any) -> Restriction:
    given: dict[str, Any] = {"symbol": "AAPL", "reason": "deal pending", "is_reason_visible": True, **terms}
    return Restriction(list_id=RestrictedListId(uuid4()), entry_id=ListEntryId(uuid4()), kind=kind, **given)


@pytest.mark.parametrize(
    ("kind", "adds_risk", "code"),
    [
        (RestrictionKind.NO_TRADE, True, "COMPLIANCE_RESTRICTED"),
        (RestrictionKind.NO_TRADE, False, "COMPLIANCE_RESTRICTED"),
        (RestrictionKind.NO_BUY, True, "COMPLIANCE_NO_ADDING"),
        (RestrictionKind.NO_BUY, False, None),
        (RestrictionKind.NOTIFY, True, None),
    ],
)
def test_a_kind_keeps_out_what_it_says(kind: RestrictionKind, adds_risk: bool, code: str | None) -> None:
    verdict = judge([entry(kind)], AAPL, at=NOW, adds_risk=adds_risk)

    assert (None if verdict.refusal is None else verdict.refusal.code) == code
    assert verdict.outcome is (AlertOutcome.NOTIFIED if code is None else AlertOutcome.BLOCKED)


def test_what_makes_a_position_smaller_leaves_no_alert_on_a_list_against_adding() -> None:
    assert judge([entry(RestrictionKind.NO_BUY)], AAPL, at=NOW, adds_risk=False).touched == ()
    assert len(judge([entry(RestrictionKind.NOTIFY)], AAPL, at=NOW, adds_risk=False).touched) == 1


def test_the_reason_of_a_secret_list_is_told_to_nobody() -> None:
    secret = entry(is_reason_visible=False, reason="project falcon")
    refusal = judge([secret], AAPL, at=NOW, adds_risk=True).refusal
    assert refusal is not None
    assert (refusal.code, refusal.path) == ("COMPLIANCE_REFUSED", ("instrumentId",))
    assert "falcon" not in refusal.message

    both = judge([secret, entry(reason="sanctions")], AAPL, at=NOW, adds_risk=True).refusal

    assert both is not None
    assert both.message == "the instrument is restricted: sanctions"


def test_a_symbol_covers_every_exchange_any_letters_and_what_derives_from_it() -> None:
    elsewhere = replace(AAPL, id=InstrumentId(uuid4()), exchange="IBIS", symbol="aapl")
    option = replace(AAPL, id=InstrumentId(uuid4()), symbol="AAPL  260320C00190000", underlying_symbol="AAPL")
    other = replace(AAPL, id=InstrumentId(uuid4()), symbol="AAPLX")

    covered = [entry().covers(one) for one in (AAPL, elsewhere, option, other)]

    assert covered == [True, True, True, False]
    assert not entry(symbol=None, instrument_id=AAPL.id).covers(elsewhere)
    assert entry(symbol=None, instrument_id=AAPL.id).covers(AAPL)


@pytest.mark.parametrize(
    ("begins", "ends", "holds"),
    [
        (None, None, True),
        (NOW, None, True),
        (NOW + HOUR, None, False),
        (None, NOW, False),
        (None, NOW + HOUR, True),
        (NOW - HOUR, NOW + HOUR, True),
    ],
)
def test_an_entry_holds_from_its_begin_up_to_its_end(
    begins: datetime | None, ends: datetime | None, holds: bool
) -> None:
    verdict = judge([entry(valid_from=begins, valid_until=ends)], AAPL, at=NOW, adds_risk=True)

    assert (verdict.refusal is not None) is holds
