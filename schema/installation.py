"""What tells of the installation itself: its version, its clock, since when it answers."""

from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Final

import strawberry

from schema.base.context import Info
from schema.base.permissions import signed_in

_FROM_SOURCE: Final = "source"


def _version() -> str:
    try:
        return version("oms-trading")
    except PackageNotFoundError:
        return _FROM_SOURCE


VERSION: Final = _version()


@strawberry.type(description="The installation as the process that answers knows it.")
class Installation:
    """The installation."""

    version: str = strawberry.field(
        description=f"{_FROM_SOURCE} where it runs from its sources without being installed."
    )
    started_at: datetime = strawberry.field(description="When the process that answers began to serve.")
    server_time: datetime
    trading_time_zone: str = strawberry.field(description="Trading days begin at its midnight.")
    has_simulator: bool = strawberry.field(description="True where the bundled simulator plays faults.")


@strawberry.type
class InstallationQuery:
    """Queries of the installation."""

    @strawberry.field(description="Which version answers, and since when.", extensions=signed_in())
    def installation(self, info: Info) -> Installation:
        """The installation."""
        desk = info.context.desk
        return Installation(
            version=VERSION,
            started_at=desk.opened_at,
            server_time=desk.clock.now(),
            trading_time_zone=desk.trading_timezone.key,
            has_simulator=desk.simulator is not None,
        )
