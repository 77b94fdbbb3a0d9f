"""What acts on orders outside a web process need: a part of a desk."""

from dataclasses import dataclass
from typing import Protocol

from app.core.clock import Clock
from app.core.ids import Ids
from app.flows.orders.order_intake import OrderIntake
from app.infra.db import Database
from app.infra.redis import Redis


class Hands(Protocol):
    """What cancels and closes positions; a Desk is one."""

    @property
    def database(self) -> Database:
        """The database under the role of the application."""
        ...

    @property
    def redis(self) -> Redis:
        """Where hints go."""
        ...

    @property
    def intake(self) -> OrderIntake:
        """What instruments and quotes are looked up by; its batcher need not run."""
        ...

    @property
    def clock(self) -> Clock:
        """The time."""
        ...

    @property
    def ids(self) -> Ids:
        """New ids."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerHands:
    """The hands of a process without a desk."""

    database: Database
    redis: Redis
    intake: OrderIntake
    clock: Clock
    ids: Ids
