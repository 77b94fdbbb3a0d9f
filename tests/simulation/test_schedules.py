"""Some hundreds of seeded schedules, and the proof that they bite: broken rules of claiming are found out."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from app.core.ids import OrderId
from app.core.messages import BrokerReport, ExecutionReport, LaneCommand, LaneKind
from app.orders.domain.order import Order
from tests.examples import examples
from tests.simulation.house import CLIENT_ID
from tests.simulation.loop import VirtualLoop
from tests.simulation.schedule import MemoryStore, Schedule, run_schedule

SCHEDULES = examples(100, campaign=300)


class SendThenMark(MemoryStore):
    """Hands commands out first and stores the ids that they are sent with when it next has time."""

    async def claim(self, limit: int) -> list[LaneCommand]:
        house = self.house
        if not house.lane:
            return []
        await self.process.step()
        orders, lane = dict(house.orders), [*house.lane]
        commands = house.claim(self.generation, limit)
        placed = {one.order_id: one.broker_order_id for one in commands if one.kind is LaneKind.PLACE}
        house.orders |= {order_id: orders[order_id] for order_id in placed}
        house.lane += [entry for entry in lane if entry[0] is LaneKind.PLACE and entry[1] in placed]
        await self.process.step()
        asyncio.get_running_loop().call_later(0.01, self._mark, placed)
        return commands

    def _mark(self, placed: dict[OrderId, int]) -> None:
        if self.process.is_dead.is_set():
            return
        house = self.house
        for order_id, number in placed.items():
            house.orders[order_id] = replace(house.orders[order_id], broker_order_id=number, broker_client_id=CLIENT_ID)
        house.lane = [entry for entry in house.lane if entry[0] is not LaneKind.PLACE or entry[1] not in placed]


class NewIdOnResend(MemoryStore):
    """Writes what may be lost again under another id."""

    async def unsettled(self, told: Sequence[BrokerReport] | None) -> list[LaneCommand]:
        commands = await super().unsettled(told)
        return [self._renumbered(one) if one.kind is LaneKind.PLACE else one for one in commands]

    def _renumbered(self, command: LaneCommand) -> LaneCommand:
        number, self.house.next_order_id = self.house.next_order_id, self.house.next_order_id + 1
        order = self.house.orders[command.order_id]
        self.house.orders[order.id] = replace(order, broker_order_id=number)
        return replace(command, broker_order_id=number)


class ForgetsWhatItHears(MemoryStore):
    """Loses every third execution however often it is told, and believes that it has it."""

    async def apply(self, reports: Sequence[BrokerReport]) -> None:
        kept = [one for one in reports if not isinstance(one, ExecutionReport) or int(one.root[1:]) % 3]
        await super().apply(kept)


class BooksTwice(MemoryStore):
    """Takes an execution that is told again for another one."""

    async def apply(self, reports: Sequence[BrokerReport]) -> None:
        again = [replace(one, root=f"{one.root}x") for one in reports if isinstance(one, ExecutionReport)]
        await super().apply([*reports, *again[:1]])


class ResendsNothing(MemoryStore):
    """Trusts that what was claimed arrived, and asks for no sweep."""

    async def unsettled(self, told: Sequence[BrokerReport] | None) -> list[LaneCommand]:
        await super().unsettled(told)
        return []

    async def at_broker(self, *, only_in_doubt: bool) -> list[Order]:
        return []


def test_nothing_is_lost_doubled_or_illegal() -> None:
    outcomes = [run_schedule(seed) for seed in range(SCHEDULES)]

    assert {one.seed: one.violations for one in outcomes if one.violations} == {}
    assert sum(one.orders for one in outcomes) > 7 * SCHEDULES
    assert sum(one.faults for one in outcomes) > 3 * SCHEDULES


@pytest.mark.parametrize("seed", [3, 71])
def test_a_seed_repeats_exactly(seed: int) -> None:
    def events() -> list[tuple[object, ...]]:
        loop = VirtualLoop()
        schedule = Schedule(seed, loop)
        loop.run_until_complete(schedule.run())
        loop.close()
        return [(one.order_id, one.from_state, one.to_state, one.occurred_at) for one in schedule.house.events]

    assert events() == events() != []


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (SendThenMark, "times at the broker"),
        (NewIdOnResend, "times at the broker"),
        (ForgetsWhatItHears, "booked"),
        (ForgetsWhatItHears, "a break"),
        (BooksTwice, "booked"),
        (BooksTwice, "a break"),
        (ResendsNothing, "does not work at the broker"),
    ],
)
def test_a_broken_rule_is_found_out(broken: type[MemoryStore], told: str) -> None:
    violations = (what for seed in range(300) for what in run_schedule(seed, broken).violations)

    assert any(told in what for what in violations)
