"""The pace of a gateway: never over its limit, urgent first, fair, nothing lost but by forgetting."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from app.brokers.ib.pacing import CANCEL_RESERVE, INTERVAL_S, MARGIN_S, ORDER_RESERVE, Pacer, Priority


class VirtualTimer:
    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when = when
        self.callback = callback
        self.is_canceled = False

    def cancel(self) -> None:
        self.is_canceled = True


class VirtualLoop:
    """A scheduler whose time moves only when told."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.timers: list[VirtualTimer] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> VirtualTimer:
        timer = VirtualTimer(when, callback)
        self.timers.append(timer)
        return timer

    def advance(self, seconds: float) -> None:
        end = self.now + seconds
        while True:
            due = [timer for timer in self.timers if not timer.is_canceled and timer.when <= end]
            if not due:
                break
            timer = min(due, key=lambda one: one.when)
            self.timers.remove(timer)
            self.now = max(self.now, timer.when)
            timer.callback()
        self.now = end


class Socket:
    """Notes what was written, and when."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.loop = loop
        self.written: list[tuple[float, str]] = []

    def write(self, name: str) -> Callable[[], None]:
        return lambda: self.written.append((self.loop.now, name))

    @property
    def names(self) -> list[str]:
        return [name for _, name in self.written]


PRIORITIES = st.sampled_from(list(Priority))
ARRIVALS = st.lists(st.tuples(PRIORITIES, st.integers(0, 3), st.floats(0, 0.4)), max_size=150)


@given(limit=st.integers(1, 50), arrivals=ARRIVALS)
def test_no_second_ever_holds_more_than_the_limit(limit: int, arrivals: list[tuple[Priority, int, float]]) -> None:
    loop = VirtualLoop()
    socket = Socket(loop)
    pacer = Pacer(limit, loop)

    for number, (priority, group, pause) in enumerate(arrivals):
        pacer.submit(priority, socket.write(str(number)), owner="session", group=group)
        loop.advance(pause)
    loop.advance((INTERVAL_S + MARGIN_S) * (len(arrivals) + 2))

    times = [at for at, _ in socket.written]
    for index, at in enumerate(times):
        assert sum(1 for other in times[: index + 1] if at - other < INTERVAL_S) <= limit
    assert sorted(socket.names, key=int) == [str(number) for number in range(len(arrivals))]
    assert pacer.waiting() == 0


@given(arrivals=ARRIVALS, delays=st.lists(st.floats(0, MARGIN_S), min_size=150, max_size=150))
def test_a_way_that_takes_now_more_now_less_time_breaches_nothing(
    arrivals: list[tuple[Priority, int, float]], delays: list[float]
) -> None:
    loop = VirtualLoop()
    socket = Socket(loop)
    pacer = Pacer(5, loop)

    for number, (priority, group, pause) in enumerate(arrivals):
        pacer.submit(priority, socket.write(str(number)), owner="session", group=group)
        loop.advance(pause)
    loop.advance((INTERVAL_S + MARGIN_S) * (len(arrivals) + 2))

    at_gateway: list[float] = []
    for (at, _), delay in zip(socket.written, delays, strict=False):
        at_gateway.append(max(at + delay, at_gateway[-1] if at_gateway else 0.0))
    for index, at in enumerate(at_gateway):
        # A hair's breadth for what adding fractions loses.
        assert sum(1 for other in at_gateway[: index + 1] if at - other < INTERVAL_S - 1e-9) <= 5


@given(arrivals=ARRIVALS)
def test_messages_of_one_priority_and_group_keep_their_order(arrivals: list[tuple[Priority, int, float]]) -> None:
    loop = VirtualLoop()
    socket = Socket(loop)
    pacer = Pacer(5, loop)

    for number, (priority, group, pause) in enumerate(arrivals):
        pacer.submit(priority, socket.write(f"{priority}/{group}/{number}"), owner="session", group=group)
        loop.advance(pause)
    loop.advance((INTERVAL_S + MARGIN_S) * (len(arrivals) + 2))

    for kind in {name.rpartition("/")[0] for name in socket.names}:
        numbers = [int(name.rpartition("/")[2]) for name in socket.names if name.rpartition("/")[0] == kind]
        assert numbers == sorted(numbers)


def test_without_a_limit_everything_goes_at_once() -> None:
    loop = VirtualLoop()
    socket = Socket(loop)
    pacer = Pacer(None, loop)

    for number in range(1_000):
        pacer.submit(Priority.NEW, socket.write(str(number)), owner="session")

    assert len(socket.written) == 1_000


def test_a_cancel_goes_although_new_orders_filled_the_window() -> None:
    loop = VirtualLoop()
    socket = Socket(loop)
    pacer = Pacer(45, loop)
    for number in range(60):
        pacer.submit(Priority.NEW, socket.write(f"new {number}"), owner="session")

    pacer.submit(Priority.CANCEL, socket.write("cancel"), owner="session")

    assert len(socket.written) == 45 - CANCEL_RESERVE + 1
    assert socket.names[-1] == "cancel"


def test_a_press_of_questions_leaves_room_for_orders_that_wait_in_their_lanes() -> None:
    loop = VirtualLoop()
    socket = Socket(loop)
    pacer = Pacer(45, loop)

    for number in range(300):
        pacer.submit(Priority.MARKET_DATA, socket.write(str(number)), owner="session")
    capacities = []
    for _ in range(10):
        loop.advance(0.5)
        capacities.append(pacer.capacity(Priority.NEW))

    assert min(capacities) == ORDER_RESERVE
    assert len(socket.written) == 5 * (45 - CANCEL_RESERVE - ORDER_RESERVE)


def test_a_press_of_orders_leaves_room_for_the_question_that_has_waited() -> None:
    loop = VirtualLoop()
    socket = Socket(loop)
    pacer = Pacer(45, loop)
    asked_at: list[float] = []

    for step in range(1_000):
        # As a lane does that is never empty: what would go at once is claimed and written.
        if pacer.capacity(Priority.NEW):
            pacer.submit(Priority.NEW, socket.write("order"), owner="session")
        if step % 100 == 50:
            asked_at.append(loop.now)
            pacer.submit(Priority.SYNC, socket.write("question"), owner="session")
        loop.advance(0.01)
    loop.advance(2 * INTERVAL_S)

    answered_at = [at for at, name in socket.written if name == "question"]
    assert len(answered_at) == len(asked_at)
    assert max(there - here for here, there in zip(asked_at, answered_at, strict=True)) <= 2 * INTERVAL_S
    assert socket.names.count("order") >= 9 * 30


def test_waiting_messages_go_by_priority() -> None:
    loop = VirtualLoop()
    socket = Socket(loop)
    pacer = Pacer(1, loop)
    pacer.submit(Priority.SYNC, socket.write("first"), owner="session")

    for priority in reversed(Priority):
        pacer.submit(priority, socket.write(priority.name), owner="session")
    loop.advance(12)

    assert socket.names == ["first", "CANCEL", "MODIFY", "NEW", "SYNC", "WHAT_IF", "MARKET_DATA", "HISTORY"]


def test_tenants_take_turns() -> None:
    loop = VirtualLoop()
    socket = Socket(loop)
    pacer = Pacer(1, loop)
    for number in range(3):
        pacer.submit(Priority.NEW, socket.write(f"a{number}"), owner="session", group="a")
    for number in range(3):
        pacer.submit(Priority.NEW, socket.write(f"b{number}"), owner="session", group="b")

    loop.advance(12)

    assert socket.names == ["a0", "a1", "b0", "a2", "b1", "b2"]


def test_a_newer_modify_takes_the_place_of_the_waiting_one() -> None:
    loop = VirtualLoop()
    socket = Socket(loop)
    pacer = Pacer(1, loop)
    pacer.submit(Priority.NEW, socket.write("new"), owner="session")

    pacer.submit(Priority.MODIFY, socket.write("older"), owner="session", key=("modify", 7))
    pacer.submit(Priority.MODIFY, socket.write("newer"), owner="session", key=("modify", 7))
    loop.advance(12)

    assert socket.names == ["new", "newer"]


def test_an_ended_session_takes_only_its_own_messages_along() -> None:
    loop = VirtualLoop()
    socket = Socket(loop)
    pacer = Pacer(1, loop)
    pacer.submit(Priority.NEW, socket.write("sent"), owner="ended")
    pacer.submit(Priority.NEW, socket.write("lost"), owner="ended")
    pacer.submit(Priority.NEW, socket.write("kept"), owner="other")

    dropped = pacer.forget("ended")
    loop.advance(12)

    assert dropped == 1
    assert socket.names == ["sent", "kept"]


def test_a_message_that_nobody_wants_any_more_is_withdrawn_by_its_key() -> None:
    loop = VirtualLoop()
    socket = Socket(loop)
    pacer = Pacer(1, loop)
    pacer.submit(Priority.NEW, socket.write("sent"), owner="session")
    pacer.submit(Priority.WHAT_IF, socket.write("withdrawn"), owner="session", key="question")
    pacer.submit(Priority.WHAT_IF, socket.write("of another"), owner="other", key="question")
    pacer.submit(Priority.WHAT_IF, socket.write("kept"), owner="session", key="another")

    dropped = pacer.forget("session", key="question")
    loop.advance(12)

    assert dropped == 1
    assert socket.names == ["sent", "of another", "kept"]


def test_capacity_is_what_would_go_at_once() -> None:
    loop = VirtualLoop()
    socket = Socket(loop)
    pacer = Pacer(45, loop)

    before = pacer.capacity(Priority.NEW)
    for number in range(40):
        pacer.submit(Priority.NEW, socket.write(str(number)), owner="session")
    during = pacer.capacity(Priority.NEW)
    loop.advance((INTERVAL_S + MARGIN_S) * 2)

    assert before == 35
    assert during == 0
    assert pacer.capacity(Priority.NEW) == 35
