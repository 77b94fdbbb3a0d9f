"""The generic cell rate algorithm: so many units a second, and so many at once after a pause."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """units_per_s that flow back for ever, of which at most burst are kept. Both are above 0.

    Over any t seconds at most burst + t * units_per_s units are given out.
    """

    units_per_s: float
    burst: int

    @property
    def interval_s(self) -> float:
        """How long one unit takes to flow back."""
        return 1 / self.units_per_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the tightest of the limits stands after a charge. wait_s is above 0 where it refused."""

    key: str
    limit: Limit
    remaining: int
    full_in_s: float
    wait_s: float = 0.0


class Bucket:
    """The state of a limit within one process: the instant at which all units will have flowed back."""

    __slots__ = ("_full_at",)

    def __init__(self) -> None:
        self._full_at = 0.0

    def wait_s(self, limit: Limit, units: int, now: float) -> float:
        """0 when the units are there, else the seconds until they are. Nothing is taken.

        now is in seconds of any clock that goes on; units is at most the burst.
        """
        wait = self._full_after(limit, units, now) - now - limit.burst * limit.interval_s
        # A thousandth of a unit: what rounding adds up to must not cost whoever keeps the limit exactly a request.
        return wait if wait > limit.interval_s / 1000 else 0.0

    def take(self, limit: Limit, units: int, now: float) -> None:
        """Takes units that are there."""
        self._full_at = self._full_after(limit, units, now)

    def _full_after(self, limit: Limit, units: int, now: float) -> float:
        return max(self._full_at, now) + units * limit.interval_s
