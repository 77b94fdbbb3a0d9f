"""Growing delays: Redis and the process count alike, at once or one by one, and an outage of Redis opens no door."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.infra.delays import LOCAL_MAX, Counted, DelayRule, Delays
from app.infra.redis import Redis, make_client, open_redis
from tests.fakes import SetClock

RULE = DelayRule(free=2, most=timedelta(seconds=30), kept=timedelta(minutes=5))
STRICT = DelayRule(free=1, first=timedelta(seconds=4), most=timedelta(seconds=16), kept=timedelta(minutes=5))
CHOSEN = st.sampled_from([(0,), (0,), (1,), (1,), (0, 1)])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("enter"), CHOSEN),
        st.tuples(st.just("enter"), CHOSEN),
        st.tuples(st.just("wait"), CHOSEN),
        st.tuples(st.just("take_back"), CHOSEN),
        st.tuples(st.just("forget"), st.just((0, 1))),
        st.tuples(st.just("advance"), st.sampled_from([1, 3, 20])),
    ),
    min_size=8,
    max_size=50,
)


@pytest.fixture
async def redis(redis_url: str, redis_prefix: str) -> AsyncIterator[Redis]:
    """The Redis."""
    opened = await open_redis(redis_url, redis_prefix)
    yield opened
    await opened.close()


def _clock() -> SetClock:
    return SetClock(datetime.now(UTC))


def _counted(rule: DelayRule = RULE) -> Counted:
    return Counted(subject=uuid4().hex, rule=rule)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_redis_and_the_process_count_alike(redis: Redis, steps: list[tuple[str, int | tuple[int, ...]]]) -> None:
    clock = _clock()
    both = (Delays(redis, clock), Delays(None, clock))
    counted = [_counted(RULE), _counted(STRICT)]

    for act, value in steps:
        if isinstance(value, int):
            clock.advance(timedelta(seconds=value))
            continue
        chosen = [counted[place] for place in value]
        if act == "wait":
            # As long as it takes, and not a moment longer.
            waits = [await delays.enter(chosen) for delays in both]
            assert waits[0] == waits[1]
            clock.advance(timedelta(seconds=waits[0]))
            continue
        answers = [await getattr(delays, act)(chosen) for delays in both]

        assert answers[0] == answers[1], (act, value)


async def test_a_delay_grows_to_its_bound_and_nothing_counts_meanwhile(redis: Redis) -> None:
    clock, counted = _clock(), _counted()
    delays = Delays(redis, clock)
    waits = []

    for _ in range(9):
        if wait := await delays.enter([counted]):
            # Whoever does not wait is not made to wait longer for it.
            assert await delays.enter([counted]) == wait
            waits.append(wait)
            clock.advance(timedelta(seconds=wait))
            assert await delays.enter([counted]) == 0

    assert waits == [1, 2, 4, 8, 16, 30, 30][: len(waits)]
    assert len(waits) >= 6


async def test_many_at_once_in_several_processes_are_no_more_than_are_free(redis: Redis) -> None:
    clock, counted = _clock(), _counted(DelayRule(free=5))
    processes = [Delays(redis, clock) for _ in range(4)]

    waits = await asyncio.gather(*(delays.enter([counted]) for delays in processes for _ in range(25)))

    assert waits.count(0) == 5


async def test_whoever_is_held_up_by_one_count_adds_to_no_other(redis: Redis) -> None:
    clock, held, other = _clock(), _counted(STRICT), _counted(STRICT)
    delays = Delays(redis, clock)
    assert await delays.enter([held]) == 0

    assert await delays.enter([held, other]) == 4

    assert await delays.enter([other]) == 0


async def test_what_was_typed_is_not_kept_as_it_was_typed(redis: Redis) -> None:
    typed = "my-password-typed-into-the-wrong-field"
    await Delays(redis, _clock()).enter([Counted(subject=typed, rule=RULE)])

    keys = [key async for key in redis.client.scan_iter(match=f"{redis.prefix}door:*")]

    assert keys
    assert all(typed.encode() not in key for key in keys)


async def test_counts_go_by_themselves(redis: Redis) -> None:
    counted = _counted()
    await Delays(redis, _clock()).enter([counted])

    kept_ms = await redis.client.pttl(redis.prefix + counted.key)

    assert 0 < kept_ms <= 5 * 60 * 1000


async def test_while_redis_is_away_the_process_counts(free_port: int, caplog: pytest.LogCaptureFixture) -> None:
    clock, counted = _clock(), _counted()
    client = make_client(f"redis://127.0.0.1:{free_port}")
    delays = Delays(Redis(client, "test:"), clock)

    waits = [await delays.enter([counted]) for _ in range(4)]
    await delays.remember("somebody", timedelta(hours=1))

    assert waits == [0, 0, 1, 1]
    assert await delays.remembers("somebody")
    assert not await delays.remembers("somebody else")
    assert caplog.text.count("Redis is away") == 1
    await client.aclose()


async def test_what_a_process_counts_is_bounded() -> None:
    delays = Delays(None, _clock())

    for number in range(LOCAL_MAX + 50):
        await delays.enter([Counted(subject=str(number), rule=RULE)])

    assert len(delays._local) == LOCAL_MAX


async def test_a_success_is_remembered_for_its_life(redis: Redis) -> None:
    subject = uuid4().hex
    delays = Delays(redis, _clock())

    before = await delays.remembers(subject)
    await delays.remember(subject, timedelta(days=30))

    assert (before, await delays.remembers(subject)) == (False, True)
