"""Lines of a file of limits: what cannot be read names its column."""

import pytest

from app.core.errors import InputError
from app.risk.keeping.domain.limit_file import line_of


@pytest.mark.parametrize("column", ["effective_from", "effective_until"])
@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01T00:00:00", "x"])
def test_an_instant_that_is_none_or_beyond_all_calendars_names_its_column(column: str, text: str) -> None:
    with pytest.raises(InputError) as caught:
        line_of({"type": "MAX_OPEN_ORDERS", "value": "5", column: text})

    assert list(caught.value.path) == [column]
