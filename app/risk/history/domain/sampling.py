"""Samples of how full limits are: the fullest look of each minute, and which of them differ from what is stored."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from app.core.ids import AccountId, InstrumentId, LimitId
from app.core.money import ZERO
from app.core.records import replace
from app.risk.monitoring.domain.utilisation import Utilisation

Pair = tuple[LimitId, AccountId]
MINUTE: Final = timedelta(minutes=1)
WAITING_MAX: Final = 60
"""How many minutes wait for a database that is away; the oldest go first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The fullest that an account made a limit within a minute, in the limit's unit.

    It stands for the minutes after it too, until the next sample, at most to the end of its hour. used is None where
    nothing could be measured, or where the limit was no longer in force. instrument_id names the fullest instrument.
    """

    limit_id: LimitId
    account_id: AccountId
    minute: datetime
    instrument_id: InstrumentId | None
    ratio: Decimal
    used: Decimal | None
    value: Decimal
    is_measured: bool

    @property
    def pair(self) -> Pair:
        """Which limit of which account."""
        return self.limit_id, self.account_id

    @property
    def fullness(self) -> tuple[bool, Decimal]:
        """What is compared: what is known is fuller than what is not."""
        return self.used is not None, self.ratio


def minute_of(at: datetime) -> datetime:
    """The minute that an instant lies in."""
    return at.replace(second=0, microsecond=0)


def hour_of(at: datetime) -> datetime:
    """The hour that an instant lies in."""
    return at.replace(minute=0, second=0, microsecond=0)


def sample_of(one: Utilisation, minute: datetime) -> Sample:
    """What one look saw."""
    return Sample(
        limit_id=one.limit.id,
        account_id=one.account_id,
        minute=minute,
        instrument_id=one.instrument_id,
        ratio=one.ratio,
        used=one.used,
        value=one.value,
        is_measured=one.is_complete,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MinuteOver:
    """A minute that is over: what was seen in it, and what of that is to be stored."""

    minute: datetime
    seen: Mapping[Pair, Sample]
    samples: Sequence[Sample]


@dataclass(slots=True)
class Sampling:
    """The samples of a tenant on their way to the database: the minute that runs, and those that are over."""

    _minute: datetime | None = None
    _running: dict[Pair, Sample] = field(default_factory=dict)
    _over: deque[tuple[datetime, dict[Pair, Sample]]] = field(default_factory=deque)
    _stored: dict[Pair, Sample] = field(default_factory=dict)

    @property
    def is_idle(self) -> bool:
        """True when nothing runs, waits or is remembered."""
        return self._minute is None and not self._over and not self._stored

    def see(self, utilisations: Iterable[Utilisation], now: datetime) -> None:
        """Takes what a look saw. Of the looks of a minute the fullest stays."""
        self.turn(now)
        self._minute = minute_of(now)
        for one in utilisations:
            seen = sample_of(one, self._minute)
            held = self._running.get(seen.pair)
            if held is None or seen.fullness > held.fullness:
                self._running[seen.pair] = seen

    def turn(self, now: datetime) -> None:
        """Ends the minute that runs, if it is over."""
        if self._minute is not None and self._minute != minute_of(now):
            self.end()

    def end(self) -> None:
        """Ends the minute that runs, over or not: another process goes on with it."""
        if self._minute is None:
            return
        self._over.append((self._minute, self._running))
        self._minute, self._running = None, {}
        while len(self._over) > WAITING_MAX:
            self._over.popleft()

    def take(self) -> "MinuteOver | None":
        """The oldest minute that is over; keep it once it is stored, or put it back."""
        if not self._over:
            return None
        minute, seen = self._over.popleft()
        return MinuteOver(minute=minute, seen=seen, samples=changed(self._stored, seen, minute))

    def put_back(self, over: "MinuteOver") -> None:
        """It was not stored, and is the next again."""
        self._over.appendleft((over.minute, dict(over.seen)))

    def keep(self, over: "MinuteOver") -> None:
        """Remembers that the minute was stored."""
        written = {one.pair: one for one in over.samples}
        self._stored = {pair: written[pair] if pair in written else self._stored[pair] for pair in over.seen}

    def forget(self) -> None:
        """Forgets what is stored: another process may have stored since."""
        self._stored = {}


def changed(stored: Mapping[Pair, Sample], seen: Mapping[Pair, Sample], minute: datetime) -> list[Sample]:
    """What is to be stored of a minute, by limit and account.

    That is what differs from the last that was stored, all with which an hour begins, and an end where a limit was
    measured before and is not any more.
    """
    found = [one for pair, one in seen.items() if _is_news(stored.get(pair), one)]
    found += [_ended(one, minute) for pair, one in stored.items() if pair not in seen]
    return sorted(found, key=lambda one: one.pair)


def _is_news(before: Sample | None, one: Sample) -> bool:
    return before is None or hour_of(before.minute) != hour_of(one.minute) or replace(before, minute=one.minute) != one


def _ended(one: Sample, minute: datetime) -> Sample:
    return replace(one, minute=minute, instrument_id=None, ratio=ZERO, used=None, is_measured=False)
