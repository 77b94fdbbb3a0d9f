"""The command line `oms`: starts the processes, and talks to a running installation."""

import sys

from app.cli.exits import guarded


def main() -> None:
    """Run `oms` with the arguments of this process."""
    from app.cli.commands import app

    sys.exit(guarded(app))
