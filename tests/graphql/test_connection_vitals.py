"""How hard a connection is used, as a client sees it: in the query, and in the subscription when it is told."""

from datetime import timedelta
from typing import Any

from app.brokers.vitals import GatewayUse, OrderActivity, PacePriority, PaceQueue, PaceUse, Vitals
from app.flows.brokers.connection_vitals import tell_vitals
from app.identity.domain import Scope
from tests.graphql.conftest import Firm

_FIELDS = """
connection {
  pacing { messagesPerSecond messagesPerSecondMax longestWaitSeconds waiting { priority waiting longestSeconds } }
  marketDataLines { used limit }
  orderEfficiency { submissions revisions cancellations executedOrders ratio ratioMax isExcessive }
}
"""
ACCOUNTS = f"{{ brokerAccounts {{ {_FIELDS} }} }}"
FOLLOWED = f"subscription {{ brokerConnections {{ {_FIELDS} }} }}"
NOTHING = {"pacing": None, "marketDataLines": None, "orderEfficiency": None}


def vitals_of(firm: Firm, *, age_s: float = 0, days: int = 0) -> Vitals:
    """What a connector tells."""
    now = firm.desk.clock.now()
    queue = PaceQueue(priority=PacePriority.NEW, waiting=12, longest_s=0.8)
    return Vitals(
        at=now - timedelta(seconds=age_s),
        use=GatewayUse(
            pace=PaceUse(used=45, limit=45, queues=(queue,), longest_wait_s=1.25), lines_used=61, lines_max=100
        ),
        activity=OrderActivity(
            day=(now - timedelta(days=days)).astimezone(firm.desk.trading_timezone).date(),
            submissions=30,
            revisions=20,
            cancellations=13,
            executed_orders=2,
        ),
    )


async def shown(firm: Firm) -> Any:
    """The connection of the firm's account."""
    [account] = (await firm.api.data(ACCOUNTS))["brokerAccounts"]
    return account["connection"]


async def test_the_use_of_a_gateway_and_the_efficiency_are_shown(firm: Firm) -> None:
    before = await shown(firm)

    await tell_vitals(firm.desk.redis, firm.key, vitals_of(firm))

    assert before == NOTHING
    assert await shown(firm) == {
        "pacing": {
            "messagesPerSecond": 45,
            "messagesPerSecondMax": 45,
            "longestWaitSeconds": 1.25,
            "waiting": [{"priority": "NEW", "waiting": 12, "longestSeconds": 0.8}],
        },
        "marketDataLines": {"used": 61, "limit": 100},
        "orderEfficiency": {
            "submissions": 30,
            "revisions": 20,
            "cancellations": 13,
            "executedOrders": 2,
            "ratio": "21",
            "ratioMax": 20,
            "isExcessive": True,
        },
    }


async def test_who_follows_connections_is_told_with_the_sign_of_life(firm: Firm) -> None:
    async with firm.api.socket() as opened:
        await opened.subscribe(FOLLOWED)
        first = (await opened.next_data())["brokerConnections"]
        await tell_vitals(firm.desk.redis, firm.key, vitals_of(firm))
        second = (await opened.next_data())["brokerConnections"]

    assert first["connection"] == NOTHING
    assert second["connection"]["pacing"]["messagesPerSecond"] == 45
    assert second["connection"]["orderEfficiency"]["ratio"] == "21"


async def test_what_is_old_is_not_shown_as_if_it_were_so_now(firm: Firm) -> None:
    await tell_vitals(firm.desk.redis, firm.key, vitals_of(firm, age_s=60))
    old = await shown(firm)
    await tell_vitals(firm.desk.redis, firm.key, vitals_of(firm, age_s=86_400, days=1))
    yesterdays = await shown(firm)

    assert (old["pacing"], old["marketDataLines"]) == (None, None)
    assert old["orderEfficiency"]["submissions"] == 30
    assert yesterdays == NOTHING


async def test_another_firms_use_is_not_shown(firm: Firm, stranger: Firm) -> None:
    await tell_vitals(stranger.desk.redis, stranger.key, vitals_of(stranger))

    assert await shown(firm) == NOTHING


async def test_without_the_scope_nothing_is_shown(firm: Firm) -> None:
    program = await firm.program(Scope.VIEW_MARKET_DATA)

    assert (await program.refusal(ACCOUNTS))[0] == "FORBIDDEN"
