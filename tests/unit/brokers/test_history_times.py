"""How instants are written where the past is asked for."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from app.brokers.ib.history import ticks_fields
from app.brokers.inquiries import AskTicks
from app.core.fix import InstrumentType
from app.core.ids import InstrumentId
from app.core.messages import Contract

CONTRACT = Contract(
    instrument_id=InstrumentId(UUID(int=1)),
    contract_id=1,
    symbol="AAPL",
    instrument_type=InstrumentType.STOCK,
    exchange="SMART",
    currency="USD",
)


@pytest.mark.parametrize(
    ("at", "written"),
    [
        (datetime(2026, 11, 20, 9, 5, 1, tzinfo=timezone(timedelta(hours=-5))), "20261120-14:05:01"),
        (datetime(1, 1, 1, tzinfo=UTC), "00010101-00:00:00"),
    ],
)
def test_an_instant_is_written_with_four_digits_of_its_year(at: datetime, written: str) -> None:
    fields = ticks_fields(AskTicks(contract=CONTRACT, start=None, end=at, count=5))

    assert fields.endDateTime == written
