"""Commands are written while what was read of halts is fresh; what has waited longer is looked at again."""

from collections.abc import Callable, Sequence
from typing import Final

from app.connector.port import Store
from app.core.messages import LaneCommand

FRESH_S: Final = 0.1
"""How old the look for halts may be when a command is written. With what waits for the pace no more than twice that
passes between the commit of a halt and the last command that did not see it."""


async def fresh(
    store: Store,
    commands: Sequence[LaneCommand],
    looked_at: float,
    monotonic: Callable[[], float],
    *,
    may_have_left: bool = False,
) -> Sequence[LaneCommand]:
    """The commands that may be written at this instant. looked_at is when the look that they passed began.

    Real world: a database that stalls at the commit, or a process that was stopped, hands commands over long after
    they were claimed. Raises UnavailableError when halts cannot be read: then nothing may be written.
    """
    while commands and monotonic() - looked_at > FRESH_S:
        looked_at = monotonic()
        commands = await store.still_wanted(commands, may_have_left=may_have_left)
    return commands
