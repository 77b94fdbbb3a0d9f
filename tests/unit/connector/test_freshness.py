"""What is written was looked at a moment ago; what is older is looked at again until it is fresh."""

from collections.abc import Sequence
from typing import Any, cast

from app.connector.freshness import FRESH_S, fresh
from app.connector.port import Store
from app.core.messages import LaneCommand
from tests.contract.brokers.conftest import place


class Looking:
    """A store whose looks for halts take time."""

    def __init__(self, *takes_s: float, keeps: int | None = None) -> None:
        self.now = 100.0
        self.looks: list[tuple[int, bool]] = []
        self._takes_s = list(takes_s)
        self._keeps = keeps

    async def still_wanted(self, commands: Sequence[LaneCommand], *, may_have_left: bool) -> list[LaneCommand]:
        self.looks.append((len(commands), may_have_left))
        self.now += self._takes_s.pop(0)
        return list(commands)[: self._keeps]

    def go(self, looked_at: float, **more: Any) -> Sequence[LaneCommand]:
        commands = [place(1), place(2)]

        async def work() -> Sequence[LaneCommand]:
            return await fresh(cast(Store, self), commands, looked_at, lambda: self.now, **more)

        coroutine = work()
        try:
            coroutine.send(None)
        except StopIteration as done:
            return cast(Sequence[LaneCommand], done.value)
        raise AssertionError("it waited for nothing")


def test_what_was_just_looked_at_is_written() -> None:
    store = Looking()

    assert len(store.go(store.now - FRESH_S / 2)) == 2
    assert store.looks == []


def test_what_took_longer_is_looked_at_again_until_a_look_is_quick() -> None:
    store = Looking(FRESH_S * 3, FRESH_S * 2, FRESH_S / 2)

    assert len(store.go(store.now - FRESH_S * 2)) == 2
    assert store.looks == [(2, False)] * 3


def test_what_is_kept_out_is_not_written() -> None:
    store = Looking(FRESH_S / 2, keeps=1)

    assert [command.broker_order_id for command in store.go(float("-inf"), may_have_left=True)] == [1]
    assert store.looks == [(2, True)]


def test_nothing_is_not_looked_at() -> None:
    store = Looking(FRESH_S * 2, keeps=0)

    assert list(store.go(float("-inf"))) == []
    assert len(store.looks) == 1
