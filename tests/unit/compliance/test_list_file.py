"""Files of restricted entries: what a line says, what becomes of the list, and what no spreadsheet may run."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from app.compliance.domain.list_file import (
    FILE_BYTES_MAX,
    FileChanges,
    LineOutcome,
    LineReport,
    changes_of,
    list_file,
    moment,
    read_entries,
)
from app.compliance.domain.lists import ENTRIES_MAX, ListEntry, NewEntry, checked_entry
from app.compliance.domain.restrictions import RestrictionKind
from app.compliance.errors import RestrictedListInvalidError
from app.core.errors import InputError
from app.core.ids import InstrumentId, ListEntryId, RestrictedListId

LIST_ID = RestrictedListId(uuid4())
HEADER = "symbol,kind,reason,from,until\n"
KNOWN = InstrumentId(UUID("01900000-0000-7000-8000-000000000001"))


def held(*entries: NewEntry) -> list[ListEntry]:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    return [
        ListEntry(id=ListEntryId(uuid4()), list_id=LIST_ID, terms=one, added_in=1, added_by="user:1", added_at=now)
        for one in entries
    ]


def changes(text: str, *entries: NewEntry, is_replacing: bool = False) -> FileChanges:
    lines = read_entries(text.encode("utf-8", "surrogatepass"))
    return changes_of(lines, held(*entries), known=[KNOWN], known_symbols=["AAPL"], is_replacing=is_replacing)


def entry(symbol: str = "AAPL", reason: str = "deal") -> NewEntry:
    return NewEntry(kind=RestrictionKind.NO_TRADE, reason=reason, symbol=symbol)


def test_lines_are_added_changed_left_and_removed() -> None:
    text = (
        HEADER + "AAPL,NO_TRADE,deal,,\nmsft,no_buy,sector,2026-03-02,2026-04-01T00:00:00+02:00\nTSLA,NOTIFY,look,,\n"
    )

    found = changes(text, entry(), entry("TSLA"), is_replacing=True)

    outcomes = [(one.number, one.name, one.outcome) for one in found.reports]
    assert outcomes == [
        (2, "AAPL", LineOutcome.UNCHANGED),
        (3, "MSFT", LineOutcome.ADDED),
        (4, "TSLA", LineOutcome.ADDED),
        (0, "TSLA", LineOutcome.REMOVED),
    ]
    assert found.reports[1].message == "no instrument bears this symbol yet"
    assert found.added[0].valid_until == datetime(2026, 3, 31, 22, tzinfo=UTC)
    assert [one.terms.symbol for one in found.removed] == ["TSLA"]


def test_an_entry_with_another_reason_takes_the_place_of_the_one_before() -> None:
    found = changes(HEADER + "AAPL,NO_TRADE,another,,\n", entry())

    assert [one.outcome for one in found.reports] == [LineOutcome.CHANGED]
    assert (len(found.added), len(found.removed)) == (1, 1)


def test_an_exported_list_read_again_changes_nothing() -> None:
    terms = [entry(reason="=cmd|' /C calc'!A0"), NewEntry(kind=RestrictionKind.NOTIFY, reason="-", instrument_id=KNOWN)]
    text = list_file(held(*terms))

    found = changes(text, *terms, is_replacing=True)

    assert {one.outcome for one in found.reports} == {LineOutcome.UNCHANGED}
    assert "'=cmd" in text


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "＝", "＋", "－", "＠", "'"])
def test_no_formula_leaves_as_one(sign: str) -> None:
    assert f",'{sign}SUM" in list_file(held(entry(reason=f"{sign}SUM(A1)")))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("АAPL,NO_TRADE,deal,,", "ASCII"),
        ("ＡＡＰＬ,NO_TRADE,deal,,", "ASCII"),
        ("AAPL\u200b,NO_TRADE,deal,,", "ASCII"),
        ("AAPL,NO_TRADE,,,", "A text of 1"),
        ("AAPL,NO_TRADE,\u200b,,", "A text of 1"),
        ("AAPL,FORBID,deal,,", "A kind is one of"),
        (",NO_TRADE,deal,,", "names an instrument or a symbol"),
        ("AAPL,NO_TRADE,deal,2026-03-02T10:00:00,", "with an offset"),
        ("AAPL,NO_TRADE,deal,tomorrow,", "with an offset"),
        ("AAPL,NO_TRADE,deal,2026-03-02,2026-03-01", "ends after it begins"),
        ("AAPL,NO_TRADE,deal,", "5 columns, and this line 4"),
        ('"AAPL,NO_TRADE,deal,,', "a quotation mark is open"),
        ("AAPL,NO_TRADE,de\x00al,,", "cannot be written"),
        ("AAPL,NO_TRADE,\ud800,,", "is not UTF-8"),
        ("AAPL,NO_TRADE," + "x" * 501 + ",,", "A text of 1"),
        ("AAPL,NO_TRADE," + "x" * 5000 + ",,", "at most 4000 bytes"),
    ],
    ids=range(16),
)
def test_a_line_that_cannot_be_taken_is_told_by_its_number_and_spoils_no_other(line: str, message: str) -> None:
    found = changes(f"{HEADER}{line}\nMSFT,NOTIFY,fine,,\n")

    refused, taken = found.reports
    assert (refused.number, refused.outcome) == (2, LineOutcome.REFUSED)
    assert message in (refused.message or "")
    assert (taken.number, taken.outcome) == (3, LineOutcome.ADDED)
    assert not found.is_sound


def test_what_a_file_says_twice_and_an_unknown_instrument_are_refused() -> None:
    found = changes(
        "symbol,instrument_id,kind,reason\nAAPL,,NO_TRADE,one\naapl,,NO_TRADE,two\n"
        f",{KNOWN},NOTIFY,mine\n,{uuid4()},NOTIFY,not mine\n,1,NOTIFY,none\nAAPL,{KNOWN},NOTIFY,both\n"
    )

    assert [(one.number, one.outcome is LineOutcome.REFUSED) for one in found.reports] == [
        (2, False),
        (3, True),
        (4, False),
        (5, True),
        (6, True),
        (7, True),
    ]


def test_a_file_is_bounded() -> None:
    with pytest.raises(InputError, match="bytes"):
        read_entries(b"symbol,kind,reason\n" + b"x" * FILE_BYTES_MAX)
    with pytest.raises(InputError, match="lines"):
        read_entries(b"symbol,kind,reason\n" + b"AAPL,NOTIFY,x\n" * (ENTRIES_MAX + 1))
    with pytest.raises(InputError, match="header"):
        read_entries(b"symbol,kind,reason,surprise\n")
    with pytest.raises(InputError, match="header"):
        read_entries(b"")


@pytest.mark.parametrize(
    "text", ["2026-02-30", "9999-99-99", "2026-03-02T25:00:00Z", "1" * 40, "0001-01-01T00:00:00+14:00"]
)
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(RestrictedListInvalidError):
        moment(text, "from")


def test_a_symbol_is_kept_in_capital_letters() -> None:
    assert checked_entry(entry("brk b")).symbol == "BRK B"


def test_a_report_of_the_reader_keeps_its_own_code() -> None:
    [report] = [one for one in read_entries(b"symbol,kind,reason\n\xff,NOTIFY,x\n") if isinstance(one, LineReport)]

    assert (report.number, report.code) == (2, "CSV_ENCODING")
