"""How many examples a test tries: few in each run of the tests, many in a campaign (make faults-short)."""

import os
from typing import Final, TypeVar

_Number = TypeVar("_Number")

IS_CAMPAIGN: Final = os.environ.get("TEST_EXAMPLES") == "many"


def examples(few: _Number, *, campaign: _Number) -> _Number:
    """The number of this run."""
    return campaign if IS_CAMPAIGN else few
