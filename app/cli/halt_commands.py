"""`oms risk kill`, `release` and `halts`: the kill switch from the command line, for who runs the installation."""

from typing import Annotated

import typer

Tenant = Annotated[str, typer.Option("--tenant", metavar="SLUG", help="Whose trading.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON for programs.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept with the halt.")]
IsSure = Annotated[bool, typer.Option("--yes", help="Do not ask for a typed confirmation.")]


def add_halt_commands(risk_app: typer.Typer) -> None:
    """Puts the commands into `oms risk`."""
    risk_app.command("kill")(risk_kill)
    risk_app.command("release")(risk_release)
    risk_app.command("halts")(risk_halts)


def risk_kill(
    tenant: Tenant,
    reason: Reason,
    account: Annotated[str | None, typer.Option("--account", metavar="NUMBER", help="Only this account.")] = None,
    instrument: Annotated[
        str | None, typer.Option("--instrument", metavar="ID", help="Only this instrument, by its id.")
    ] = None,
    closes_positions: Annotated[bool, typer.Option("--close", help="Close the positions, too.")] = False,
    is_drill: Annotated[bool, typer.Option("--drill", help="A dry run: tell what it would do, touch nothing.")] = False,
    waits_s: Annotated[
        float, typer.Option("--wait", min=0, metavar="SECONDS", help="How long to wait for the last cancel and close.")
    ] = 30.0,
    is_sure: IsSure = False,
    as_json: AsJson = False,
) -> None:
    """Halt trading, cancel every open order and, if asked to, close every position; then tell how far it has come.

    The tenant's slug is to be typed as a confirmation, or --yes given; a drill needs neither. Exit code 0 when all is
    canceled and closed, 1 when something could not be, 7 when it still goes on or its outcome is not known.
    """
    from app.cli.halts import Kill, kill

    asked = Kill(
        tenant=tenant,
        account=account,
        instrument=instrument,
        reason=reason,
        closes_positions=closes_positions,
        is_drill=is_drill,
        waits_s=waits_s,
    )
    raise typer.Exit(kill(asked, is_sure=is_sure, as_json=as_json))


def risk_release(
    tenant: Tenant,
    halt: Annotated[str, typer.Argument(metavar="HALT", help="The id of the halt.")],
    reason: Reason,
    is_sure: IsSure = False,
    as_json: AsJson = False,
) -> None:
    """Release a halt. The command line is nobody's: use it when no second person can, and the audit log says so."""
    from app.cli.halts import release

    raise typer.Exit(release(tenant, halt, reason, is_sure=is_sure, as_json=as_json))


def risk_halts(
    tenant: Tenant,
    has_all: Annotated[bool, typer.Option("--all", help="Those that were released, too.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="How many, the newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List the halts in force, the newest first."""
    from app.cli.halts import show_halts

    show_halts(tenant, has_all=has_all, limit=limit, as_json=as_json)
