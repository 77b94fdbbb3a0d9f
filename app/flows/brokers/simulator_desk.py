"""Where the bundled simulator is, and the way to its control port."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from app.infra.embedded import default_state_dir
from app.infra.settings import Settings
from app.infra.simulator_control import ask, read_address


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorDesk:
    """The bundled simulator: where clients reach it, and the folder with its control's address."""

    host: str
    port: int
    folder: Path

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """The simulator of these settings; None in production, where nothing may be broken on purpose."""
        if settings.environment == "production":
            return None
        folder = (settings.state_dir or default_state_dir()).expanduser()
        return cls(host=settings.simulator_host, port=settings.simulator_port, folder=folder)

    async def ask(self, command: str, arguments: Mapping[str, Any] | None = None) -> Any:
        """The answer to a command. Raises SimulatorUnreachableError, SimulatorRefusedError, NotFoundError."""
        return await ask(read_address(self.folder), command, arguments)
