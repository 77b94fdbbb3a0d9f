"""A comparison with the broker while it is made: from before the question until what was told is held against ours."""

from collections.abc import Awaitable, Callable

from app.brokers.port import Snapshot
from app.brokers.reconciling import Look, Occasion, Reconciled
from app.connector.sweeps import Sweeps
from app.core.clock import Clock
from app.core.messages import BrokerPosition, ExecutionReport, StatusReport


class Comparing:
    """Made before the broker is asked. What it told meanwhile is to be applied before it is compared.

    Contracts that were dealt in from in_flight_since on, in monotonic seconds, are left for the next comparison.
    """

    def __init__(
        self,
        reconcile: Callable[[Look], Awaitable[Reconciled]],
        sweeps: Sweeps,
        clock: Clock,
        occasion: Occasion,
        *,
        in_flight_since: float,
        is_advised: bool = False,
    ) -> None:
        self._reconcile = reconcile
        self._sweeps = sweeps
        self._clock = clock
        self._occasion = occasion
        self._in_flight_since = in_flight_since
        self._started_at = clock.now()
        self._is_advised = is_advised

    async def snapshot(self, snapshot: Snapshot) -> Reconciled:
        """Compare all that the broker said; one look is enough, because it is complete.

        Not so under an adviser, whose session books shares of blocks at any moment: a difference is a break when the
        next look sees the same.
        """
        return await self._compare(
            snapshot.positions,
            is_complete=not self._is_advised,
            open_orders=tuple(one for one in snapshot.reports if isinstance(one, StatusReport)),
            roots=frozenset(one.root for one in snapshot.reports if isinstance(one, ExecutionReport)),
        )

    async def positions(self, told: tuple[BrokerPosition, ...]) -> Reconciled:
        """Compare positions alone; a difference is a break when the next look sees the same."""
        return await self._compare(told, is_complete=False)

    async def _compare(
        self,
        positions: tuple[BrokerPosition, ...],
        *,
        is_complete: bool,
        open_orders: tuple[StatusReport, ...] | None = None,
        roots: frozenset[str] = frozenset(),
    ) -> Reconciled:
        sweeps = self._sweeps
        look = Look(
            occasion=self._occasion,
            started_at=self._started_at,
            taken_at=self._clock.now(),
            positions=positions,
            in_flight=sweeps.in_flight(self._in_flight_since),
            seen_before=None if is_complete else dict(sweeps.unconfirmed),
            open_orders=open_orders,
            unknown_orders=frozenset(sweeps.unknown),
            uncharged=frozenset(sweeps.given_up),
            execution_roots=roots,
        )
        done = await self._reconcile(look)
        sweeps.unconfirmed = dict(done.unconfirmed)
        return done
