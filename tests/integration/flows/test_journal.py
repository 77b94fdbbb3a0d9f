"""The event log is the journal: replaying it gives what the tables hold, and a table that strays is found."""

from decimal import Decimal
from random import Random

import pytest

from app.core.fix import RiskLimitType
from app.flows.verify_journal import examine
from tests import factories
from tests.integration.flows.conftest import Trader
from tests.integration.flows.lives import Lives


@pytest.mark.parametrize("seed", range(8))
async def test_a_replay_of_random_lives_gives_what_the_tables_hold(trader: Trader, seed: int) -> None:
    await factories.make_limit(
        trader.desk.database, trader.key.tenant_id, RiskLimitType.MAX_ORDER_QUANTITY, Decimal(120)
    )
    lives = Lives(trader=trader, random=Random(seed))

    for _ in range(60):
        await lives.step()

    found = await examine(trader.desk.database, trader.key.tenant_id, trader.account_id)
    assert found.differences == []
    assert found.orders >= len(lives.orders) > 5
    assert found.events == len(await trader.events())
