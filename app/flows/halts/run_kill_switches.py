"""The worker goes on with every kill switch that is not finished, whichever process began it."""

import logging
from dataclasses import dataclass
from typing import Final

from app.flows.halts.kill_switch import advance
from app.flows.hands import Hands
from app.infra.db import Database
from app.infra.outages import go_on
from app.infra.uow import begin_system
from app.risk.halts import batch as halts

_log = logging.getLogger("oms.kill_switches")

PULSE_S: Final = 0.25
AWAY_S: Final = 1.0
RUNNING_MAX: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class KillSwitchRunner:
    """What goes on with kill switches. system_database is of the role SYSTEM."""

    hands: Hands
    system_database: Database

    async def run_forever(self) -> None:
        """Goes on until it is cancelled. A database that is away is waited for."""
        # Whatever it was must not end the worker: the rows stay, and the next look goes on.
        await go_on(self._turn, away_s=AWAY_S, log=_log, what="kill switches wait")

    async def _turn(self) -> float:
        await self.run_once()
        return PULSE_S

    async def run_once(self) -> int:
        """Takes the next step of each that runs; how many there were."""
        async with begin_system(self.system_database) as session:
            running = await halts.all_running(session, RUNNING_MAX)
        for tenant_id, kill_id in running:
            try:
                await advance(self.hands, tenant_id, kill_id)
            except Exception:
                # One that cannot go on must not hold up the others; it is tried again at the next look.
                _log.exception("kill switch %s could not go on", kill_id)
        return len(running)
