"""A short form of the campaign of G5: whatever breaks, a follower misses nothing and sees nothing twice."""

import pytest

from tests.faults.events import campaign

pytestmark = pytest.mark.campaign

KILLS = 8


async def test_followers_that_resume_miss_nothing_whatever_is_killed() -> None:
    report = await campaign(KILLS, seed=5)

    assert sum(report.kills.values()) == KILLS
    assert report.orders > KILLS
    assert (report.missing, report.doubled, report.different) == (0, 0, 0), report
