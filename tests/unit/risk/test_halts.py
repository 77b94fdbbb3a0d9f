"""Who may release a halt."""

from uuid import UUID

import pytest

from app.core.ids import UserId
from app.risk.halts.domain import may_release

ANN, BOB, EVE = UserId(UUID(int=1)), UserId(UUID(int=2)), UserId(UUID(int=3))


@pytest.mark.parametrize(
    ("halter", "releaser", "able", "is_automatic", "may"),
    [
        (ANN, BOB, [ANN, BOB], False, True),
        (ANN, ANN, [ANN, BOB], False, False),
        (ANN, ANN, [ANN], False, True),
        (ANN, ANN, [], False, True),
        # A key that is gone might be the releaser's own.
        (None, BOB, [BOB, EVE], False, False),
        (None, BOB, [BOB], False, True),
        (None, BOB, [BOB, EVE], True, True),
        (ANN, ANN, [ANN, BOB], True, True),
    ],
)
def test_another_person_releases_unless_there_is_none(
    halter: UserId | None, releaser: UserId, able: list[UserId], is_automatic: bool, may: bool
) -> None:
    assert may_release(halter, releaser, able, is_automatic=is_automatic) is may
