"""The commands `oms platform` and `oms tenant`."""

from typing import Annotated

import typer

platform_app = typer.Typer(no_args_is_help=True, help="Who runs the platform, apart from every tenant.")
tenant_app = typer.Typer(no_args_is_help=True, help="The tenants of the installation.")

AsJson = Annotated[bool, typer.Option("--json", help="Write JSON for programs.")]
Email = Annotated[str, typer.Argument(help="The address of a registered person.")]


@platform_app.command("grant")
def platform_grant(email: Email, note: Annotated[str, typer.Option("--note", help="Why, and who said so.")]) -> None:
    """Make a registered person an administrator of the platform."""
    from app.cli.platform import grant

    grant(email, note=note)


@platform_app.command("revoke")
def platform_revoke(email: Email) -> None:
    """Take that power away: logins and entries into tenants hold no more within five seconds."""
    from app.cli.platform import revoke

    revoke(email)


@platform_app.command("list")
def platform_list(as_json: AsJson = False) -> None:
    """Show who runs the platform."""
    from app.cli.platform import show

    show(as_json=as_json)


@tenant_app.command("list")
def tenant_list(as_json: AsJson = False) -> None:
    """Show the tenants of the installation."""
    from app.cli.platform import list_tenants

    list_tenants(as_json=as_json)
