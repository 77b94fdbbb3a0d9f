"""`oms risk limits` and `oms risk drill`: limits from the command line, for who runs the installation."""

from pathlib import Path
from typing import Annotated

import typer

limits_app = typer.Typer(no_args_is_help=True, help="The limits of a tenant. What loosens waits for a person there.")

Tenant = Annotated[str, typer.Option("--tenant", metavar="SLUG", help="Whose limits.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON for programs.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept with the version.")]


@limits_app.command("list")
def limits_list(
    tenant: Tenant,
    account: Annotated[str | None, typer.Option("--account", metavar="NUMBER", help="Those that cover it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the limits, the oldest first, with their last drills."""
    from app.cli.limits import list_limits

    list_limits(tenant, account, as_json=as_json)


@limits_app.command("set")
def limits_set(
    tenant: Tenant,
    reason: Reason,
    limit_id: Annotated[str | None, typer.Option("--id", help="Which limit; a new one when not given.")] = None,
    limit_type: Annotated[str | None, typer.Option("--type", help="Such as MAX_ORDER_QUANTITY, of a new one.")] = None,
    value: Annotated[str | None, typer.Option("--value", help="In the unit of the type.")] = None,
    currency: Annotated[str | None, typer.Option("--currency", help="Three capital letters.")] = None,
    account: Annotated[str | None, typer.Option("--account", metavar="NUMBER", help="What a new one covers.")] = None,
    instrument: Annotated[
        str | None, typer.Option("--instrument", metavar="SYMBOL", help="Or SYMBOL@EXCHANGE, or an id, of a new one.")
    ] = None,
    conditions: Annotated[str | None, typer.Option("--conditions", metavar="JSON", help="All of them.")] = None,
    active: Annotated[str | None, typer.Option("--active", help="true or false.")] = None,
    shadow: Annotated[str | None, typer.Option("--shadow", help="true or false.")] = None,
    warn_at: Annotated[str | None, typer.Option("--warn-at", help="A part of the value, such as 0.8.")] = None,
    begins: Annotated[str | None, typer.Option("--from", metavar="TIME", help="In force from then on.")] = None,
    ends: Annotated[str | None, typer.Option("--until", metavar="TIME", help="In force until then.")] = None,
    version: Annotated[
        str | None, typer.Option("--expected-version", help="Change nothing when the limit is at another one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make or change a limit; what is not given stays as it is. Exit code 0 for a proposal too: it says so."""
    from app.cli.limits import set_limit

    given = {
        "id": limit_id,
        "type": limit_type,
        "value": value,
        "currency": currency,
        "account": account,
        "instrument": instrument,
        "conditions": conditions,
        "active": active,
        "shadow": shadow,
        "warn_at": warn_at,
        "effective_from": begins,
        "effective_until": ends,
        "version": version,
        "reason": reason,
    }
    set_limit(tenant, {name: text for name, text in given.items() if text is not None}, as_json=as_json)


@limits_app.command("delete")
def limits_delete(
    tenant: Tenant,
    limit_id: Annotated[str, typer.Argument(help="The id of the limit.")],
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Take a limit away. Its versions stay."""
    from app.cli.limits import delete_limit

    delete_limit(tenant, limit_id, reason=reason, as_json=as_json)


@limits_app.command("import")
def limits_import(
    tenant: Tenant,
    file: Annotated[Path, typer.Argument(help="CSV, as export writes it.", exists=True, dir_okay=False)],
    is_each: Annotated[
        bool, typer.Option("--each", help="Store the lines that are good, and leave the others.")
    ] = False,
    is_applied: Annotated[bool, typer.Option("--apply", help="Store; without it, only tell.")] = False,
    as_json: AsJson = False,
) -> None:
    """Tell what would become of each line of a file, and with --apply do it; exit code 1 when one is refused."""
    from app.cli.limits import import_limits

    raise typer.Exit(import_limits(tenant, file, is_each=is_each, is_applied=is_applied, as_json=as_json))


def risk_drill(
    tenant: Tenant,
    limit_ids: Annotated[
        list[str] | None, typer.Option("--limit", metavar="ID", help="Only this one; may be given several times.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Prove the active limits able to refuse, by orders that are never stored or sent; exit code 1 when one cannot."""
    from app.cli.limits import drill_limits

    raise typer.Exit(drill_limits(tenant, limit_ids, as_json=as_json))


@limits_app.command("export")
def limits_export(
    tenant: Tenant,
    output: Annotated[Path | None, typer.Option("--output", help="The file; standard output when not given.")] = None,
) -> None:
    """Write all limits as CSV. That it was exported is written into the audit log."""
    from app.cli.limits import export_limits

    export_limits(tenant, output)
