"""The simulator's clock: the machine's, until somebody pauses it, moves it on or lets it run at another speed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from app.core.clock import Clock, as_utc
from app.core.errors import InputError

SPEED_MAX = Decimal(1_000)


class ClockError(InputError):
    """The simulator's clock cannot be set so: it never goes back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockState:
    """Where a clock stands. `speed` is seconds for each of the machine's; a paused clock keeps it for later."""

    now: datetime
    speed: Decimal
    is_paused: bool


class ControlledClock:
    """A clock over another one. It never goes back."""

    def __init__(self, base: Clock) -> None:
        self._base = base
        self._anchor = self._base_anchor = base.now()
        self._speed = Decimal(1)
        self._is_paused = False
        self._is_controlled = False

    def now(self) -> datetime:
        """This instant on the simulator's clock."""
        if not self._is_controlled:
            return self._base.now()
        if self._is_paused:
            return self._anchor
        return self._anchor + (self._base.now() - self._base_anchor) * float(self._speed)

    @property
    def state(self) -> ClockState:
        """Where the clock stands."""
        return ClockState(now=self.now(), speed=self._speed, is_paused=self._is_paused)

    def pause(self) -> None:
        """Stand still."""
        self._turn(is_paused=True)

    def resume(self) -> None:
        """Go on from where it stands."""
        self._turn(is_paused=False)

    def step(self, seconds: float) -> None:
        """Move on at once. Raises ClockError for a step back."""
        if not 0 <= seconds <= 366 * 86_400:
            raise ClockError("a step is from 0 seconds to a year", path=("seconds",))
        self.set(self.now() + timedelta(seconds=seconds))

    def set(self, moment: datetime) -> None:
        """Move on to this instant. Raises ClockError for one that has passed, and for one without an offset."""
        if moment.tzinfo is None:
            raise ClockError("a time needs its offset from UTC", path=("now",))
        if moment < self.now():
            raise ClockError(f"it is {self.now().isoformat()} already, and the clock does not go back", path=("now",))
        self._turn(now=as_utc(moment))

    def set_speed(self, speed: Decimal) -> None:
        """Let so many seconds pass in each of the machine's. Raises ClockError for no sensible number."""
        if not (speed.is_finite() and 0 < speed <= SPEED_MAX):
            raise ClockError(f"a speed is above 0 and at most {SPEED_MAX}", path=("speed",))
        self._turn(speed=speed)

    def restore(self, state: ClockState) -> None:
        """Stand as another clock stood."""
        self._turn(now=state.now, speed=state.speed, is_paused=state.is_paused)

    def _turn(
        self, *, now: datetime | None = None, speed: Decimal | None = None, is_paused: bool | None = None
    ) -> None:
        self._anchor, self._base_anchor = now or self.now(), self._base.now()
        self._is_controlled = True
        self._speed = self._speed if speed is None else speed
        self._is_paused = self._is_paused if is_paused is None else is_paused
