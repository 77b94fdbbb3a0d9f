"""Which version answers, told to whoever is signed in."""

from datetime import UTC, datetime

from schema.installation import VERSION
from tests.graphql.conftest import Api, Firm

INSTALLATION = "{ installation { version startedAt serverTime tradingTimeZone hasSimulator } }"


async def test_who_is_signed_in_is_told_which_version_answers_and_since_when(firm: Firm) -> None:
    before = datetime.now(UTC)

    told = (await firm.api.data(INSTALLATION))["installation"]

    assert told["version"] == VERSION
    started, now = (datetime.fromisoformat(told[name]) for name in ("startedAt", "serverTime"))
    assert started <= now
    assert (now - before).total_seconds() > -1
    assert told["tradingTimeZone"] == "America/New_York"
    assert told["hasSimulator"] is True


async def test_a_stranger_is_told_nothing_of_the_installation(anonymous: Api) -> None:
    error = await anonymous.error(INSTALLATION)

    assert error["extensions"]["code"] == "UNAUTHENTICATED"
