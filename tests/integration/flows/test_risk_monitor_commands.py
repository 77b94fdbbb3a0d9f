"""`oms risk utilisation`, `breaches` and `breakers` as programs: what they print, and the exit codes."""

import json

from app.core.fix import RiskLimitType
from app.risk.monitoring.domain.breakers import BreakerKind
from tests.integration.flows.test_halt_commands import Command, command
from tests.integration.flows.test_risk_monitor import Post, post

__all__ = ["command", "post"]


async def test_the_command_line_tells_what_is_used_breached_and_tripped(post: Post, command: Command) -> None:
    limit = await post.limit(RiskLimitType.MAX_POSITION_NOTIONAL, "10000")
    await post.breaker(BreakerKind.LOSS, "100")
    await post.quote("100")
    await post.hold("90")
    before = await command.run("breakers")
    await post.quote("98")
    await post.look()
    await post.quote("120")
    await post.look()

    used = await command.run("utilisation", "--json")
    breached = await command.run("breaches", "--json")
    breakers = await command.run("breakers", "--json")
    spoken = await command.run("breaches")

    assert before[0] == 0
    assert "armed" in before[1]
    [one] = json.loads(used[1])
    assert (used[0], one["limitId"], one["used"], one["ratio"]) == (0, str(limit.id), "10800", "1.08")
    assert (breached[0], [record["level"] for record in json.loads(breached[1])]) == (1, ["BREACH"])
    [breaker] = json.loads(breakers[1])
    assert (breakers[0], breaker["kind"], breaker["lastTrip"]["isReleased"]) == (1, "LOSS", False)
    assert spoken[1].startswith("BREACH MAX_POSITION_NOTIONAL")
