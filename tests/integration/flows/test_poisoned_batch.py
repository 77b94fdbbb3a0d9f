"""An order that the database refuses, in the midst of others that came at the same time."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from app.core.errors import UnavailableError
from app.flows.orders.placement import Placement
from tests.integration.flows.conftest import Trader

POISON, BUSY = "poison", "busy"

_REFUSE = f"""
CREATE FUNCTION refuse_marked() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.client_order_id LIKE '{POISON}%' THEN RAISE 'refused' USING ERRCODE = 'check_violation'; END IF;
  IF NEW.client_order_id LIKE '{BUSY}%' THEN RAISE 'later' USING ERRCODE = 'deadlock_detected'; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER refuse_marked BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION refuse_marked();
"""


@pytest.fixture(autouse=True)
async def _refusing(database_url: str) -> AsyncIterator[None]:
    owner = await asyncpg.connect(database_url)
    await owner.execute(_REFUSE)
    try:
        yield
    finally:
        await owner.execute("DROP TRIGGER refuse_marked ON orders; DROP FUNCTION refuse_marked")
        await owner.close()


async def submitted(trader: Trader, keys: list[str]) -> list[Placement | BaseException]:
    """The outcomes of orders that are submitted at the same time, under these client order ids."""
    intake, principal = trader.desk.intake, trader.principal
    orders = [trader.order(client_order_id=key) for key in keys]
    return await asyncio.gather(*(intake.submit(principal, order) for order in orders), return_exceptions=True)


async def test_poisoned_orders_fail_alone(trader: Trader) -> None:
    keys = [f"{POISON}-{number}" if number in {7, 31} else f"sound-{number}" for number in range(50)]

    outcomes = await submitted(trader, keys)

    placements = [outcome for outcome in outcomes if isinstance(outcome, Placement)]
    assert len(placements) == len(keys)
    for key, placement in zip(keys, placements, strict=True):
        codes = [problem.code for problem in placement.problems]
        assert codes == (["ORDER_UNSTORABLE"] if key.startswith(POISON) else []), key
        assert (placement.order is None) == key.startswith(POISON)
    assert len(await trader.events()) == len(keys) - 2


async def test_order_that_the_database_only_puts_off_may_be_sent_again(trader: Trader) -> None:
    (outcome,) = await submitted(trader, [f"{BUSY}-1"])

    assert isinstance(outcome, UnavailableError)
    assert await trader.events() == []
