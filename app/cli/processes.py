"""Starts one process of the system in the foreground, after a look at what it needs."""

import asyncio
import logging
from contextlib import AbstractAsyncContextManager, nullcontext
from importlib import import_module
from pathlib import Path

from app.infra.lifetime import run_until_signalled
from app.infra.local_secrets import state_folders, with_own_master_key
from app.infra.reach import reachable_settings
from app.infra.readiness import notify_ready
from app.infra.settings import Settings, load_settings
from app.supervisor import refuse_taken


def run_process(module: str, function: str) -> None:
    """Call `function` of `module` with the settings; it returns when the process is asked to end.

    Raises: OmsError when PostgreSQL or Redis does not answer, or when the port of the web process is taken.
    """
    settings = _settings()
    if module == "app.web":
        refuse_taken("http_port", settings.http_host, settings.http_port)
    if module in ("app.web", "app.worker"):
        settings = with_own_master_key(settings)
    settings = asyncio.run(reachable_settings(settings))
    getattr(import_module(module), function)(settings)


def run_simulator() -> None:
    """Run the simulator until it is asked to end.

    Raises: OmsError when its port is taken.
    """
    settings = _settings()
    refuse_taken("simulator_port", settings.simulator_host, settings.simulator_port)
    # Imported here, for the other processes need none of it.
    from app.simulator.config import AccountSeed, SessionMode, SimulatorConfig
    from app.simulator.control import controlled
    from app.simulator.server import Simulator, run

    config = SimulatorConfig(
        host=settings.simulator_host,
        port=settings.simulator_port,
        seed=settings.simulator_seed,
        sessions=SessionMode(settings.simulator_sessions),
        accounts=tuple(AccountSeed(account_id=name) for name in settings.simulator_accounts.split(",")),
        adviser_id=settings.simulator_adviser,
        state_path=_simulator_state(settings),
    )
    port = settings.simulator_control_port

    def control(simulator: Simulator) -> AbstractAsyncContextManager[None]:
        return nullcontext() if port is None else controlled(simulator, port, state_folders(settings).state_dir)

    run_until_signalled(lambda: run(config, notify_ready, control))


def _settings() -> Settings:
    settings = load_settings()
    logging.basicConfig(level=settings.log_level.upper(), format="%(levelname)s %(name)s: %(message)s")
    return settings


def _simulator_state(settings: Settings) -> Path | None:
    if settings.environment == "production":
        return None
    return state_folders(settings).state_dir / "simulator.json"
