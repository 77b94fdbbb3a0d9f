"""`oms risk utilisation`, `breaches` and `breakers`: what the monitor sees, from the command line."""

from typing import Annotated

import typer

Tenant = Annotated[str, typer.Option("--tenant", metavar="SLUG", help="Whose limits.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON for programs.")]


def add_monitoring_commands(risk_app: typer.Typer) -> None:
    """Puts the commands into `oms risk`."""
    risk_app.command("utilisation")(risk_utilisation)
    risk_app.command("breaches")(risk_breaches)
    risk_app.command("breakers")(risk_breakers)


def risk_utilisation(
    tenant: Tenant,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many, the fullest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Tell how much of each limit each account uses now, the fullest first."""
    from app.cli.monitoring import show_utilisation

    show_utilisation(tenant, limit=limit, as_json=as_json)


def risk_breaches(
    tenant: Tenant,
    has_all: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="How many, the newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List the limits that are nearly full, breached, or refuse orders; exit code 1 when one is breached now."""
    from app.cli.monitoring import show_breaches

    raise typer.Exit(show_breaches(tenant, has_all=has_all, limit=limit, as_json=as_json))


def risk_breakers(tenant: Tenant, as_json: AsJson = False) -> None:
    """List the circuit breakers with their last trips; exit code 1 when the halt of one holds."""
    from app.cli.monitoring import show_breakers

    raise typer.Exit(show_breakers(tenant, as_json=as_json))
