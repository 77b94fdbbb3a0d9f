"""The kill switch over a real installation of two web processes, under load: the short form of the campaign."""

import pytest

from tests.faults.kills import play

pytestmark = pytest.mark.campaign

KILLS = 3


async def test_nothing_is_accepted_after_a_kill_switch_answered_and_nothing_sent_late() -> None:
    done = await play(KILLS)

    assert len(done.kills) == KILLS
    assert sum(kill.canceled for kill in done.kills) > 0
    assert len(done.sent_at) > 0
    assert (done.accepted_after, done.sent_late) == (0, 0), done.table()
