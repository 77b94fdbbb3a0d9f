"""`oms compliance`: restricted lists, cases and order records from the command line, for who runs the installation."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.case_commands import cases_app

compliance_app = typer.Typer(
    no_args_is_help=True, help="Compliance: restricted lists, surveillance cases, order records for a regulator."
)
compliance_app.add_typer(cases_app, name="cases")

Tenant = Annotated[str, typer.Option("--tenant", metavar="SLUG", help="Whose.")]


@compliance_app.command("lists")
def compliance_lists(
    tenant: Tenant,
    name: Annotated[
        str | None, typer.Option("--list", metavar="NAME", help="Print the entries of this list as CSV.")
    ] = None,
) -> None:
    """Print the restricted lists of a tenant, or the entries of one as CSV. That it was read is written down."""
    from app.cli.compliance import show_lists

    show_lists(tenant, name)


@compliance_app.command("export")
def compliance_export(
    tenant: Tenant,
    since: Annotated[str, typer.Option("--since", metavar="TIME", help="Orders from this instant on, RFC 3339.")],
    until: Annotated[str, typer.Option("--until", metavar="TIME", help="Orders before this instant, RFC 3339.")],
    output: Annotated[Path, typer.Option("--output", help="The file; its checksum goes beside it, as .sha256.")],
    form: Annotated[str, typer.Option("--format", metavar="FORMAT", help="jsonl or csv.")] = "jsonl",
    account: Annotated[
        str | None, typer.Option("--account", metavar="ID", help="The id of one broker account.")
    ] = None,
) -> None:
    """Write the complete life of each order of a time into a file, with its SHA-256 as `sha256sum -c` takes it.

    It names the persons behind the actors of the orders. That it was exported is written into the audit log first.
    """
    from app.cli.compliance import export

    export(tenant, since=since, until=until, output=output, form=form, account=account)
