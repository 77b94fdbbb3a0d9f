"""The table of error codes, line by line."""

import pytest

from app.brokers.ib.codes import CODES, meaning_of
from app.brokers.port import ConnectionEvent
from app.core.messages import FaultClass

EXPECTED = {
    FaultClass.REJECTED_BY_STATE: {103, 110, 321},
    FaultClass.ORDER_REJECTED: {106, 107, 109, 111, *range(113, 130), 131, 132, 133, 137, 200, 201, 460},
    FaultClass.REPLACE_REJECTED: {104, 105, 134, 329},
    FaultClass.CANCEL_REJECTED: {135, 136, 161, 10147, 10148},
    FaultClass.CANCEL_CONFIRMED: {202},
    FaultClass.INFORMATION: {399, 404, 434, 492, 2109, 10167, 10349},
    FaultClass.CONNECTIVITY: {100, 326, 502, 504, 1100, 1101, 1102, 1300, *range(2103, 2109), 2110, 2158},
}


@pytest.mark.parametrize("code", sorted(CODES))
def test_each_line_of_the_table_has_its_class(code: int) -> None:
    [expected] = [fault for fault, codes in EXPECTED.items() if code in codes]

    assert meaning_of(code).fault is expected


@pytest.mark.parametrize("code", sorted({code for codes in EXPECTED.values() for code in codes}))
def test_each_expected_code_has_a_line_with_its_words(code: int) -> None:
    fault, words = CODES[code]

    assert fault is meaning_of(code).fault
    assert words.strip()


@pytest.mark.parametrize("code", [2100, 2150, 2199])
def test_a_warning_without_a_line_is_information(code: int) -> None:
    assert meaning_of(code).fault is FaultClass.INFORMATION


@pytest.mark.parametrize("code", [1, 2200, 99_999])
def test_a_code_that_nobody_wrote_down_is_unknown(code: int) -> None:
    meaning = meaning_of(code)

    assert meaning.fault is FaultClass.UNKNOWN
    assert meaning.event is None


@pytest.mark.parametrize(
    ("code", "event"),
    [
        (100, ConnectionEvent.THROTTLED),
        (1100, ConnectionEvent.UPSTREAM_LOST),
        (1101, ConnectionEvent.UPSTREAM_RESET),
        (1102, ConnectionEvent.UPSTREAM_RESTORED),
        (2103, ConnectionEvent.FEED_DOWN),
        (2104, ConnectionEvent.FEED_UP),
        (2110, ConnectionEvent.UPSTREAM_LOST),
    ],
)
def test_connectivity_codes_change_the_connection(code: int, event: ConnectionEvent) -> None:
    assert meaning_of(code).event is event


@pytest.mark.parametrize("code", [2105, 2106, 2107, 2158, 326, 502, 504])
def test_other_connectivity_codes_change_nothing_of_themselves(code: int) -> None:
    assert meaning_of(code).event is None
