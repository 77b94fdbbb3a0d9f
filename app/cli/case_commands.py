"""`oms compliance cases`: surveillance cases from the command line, for who runs the installation."""

from typing import Annotated

import typer

cases_app = typer.Typer(no_args_is_help=True, help="Surveillance cases. A person closes what is proposed here.")

Tenant = Annotated[str, typer.Option("--tenant", metavar="SLUG", help="Whose.")]
Case = Annotated[str, typer.Argument(metavar="CASE", help="The id of the case.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON for programs.")]


@cases_app.command("list")
def cases_list(
    tenant: Tenant,
    state: Annotated[str | None, typer.Option("--state", help="OPEN, UNDER_REVIEW or CLOSED.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="At most so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show the cases of a tenant, the newest first. That they were read is written down."""
    from app.cli.cases import show_cases

    show_cases(tenant, state, limit, as_json=as_json)


@cases_app.command("show")
def cases_show(tenant: Tenant, case: Case, as_json: AsJson = False) -> None:
    """Show a case with its evidence and its newest notes. That it was read is written down."""
    from app.cli.cases import show_case

    show_case(tenant, case, as_json=as_json)


@cases_app.command("note")
def cases_note(
    tenant: Tenant, case: Case, note: Annotated[str, typer.Option("--note", help="What to write; it stays.")]
) -> None:
    """Write a note on a case; a closed one takes notes too."""
    from app.cli.cases import note_case

    note_case(tenant, case, note)


@cases_app.command("close")
def cases_close(
    tenant: Tenant,
    case: Case,
    disposition: Annotated[str, typer.Option("--disposition", help="NO_VIOLATION or VIOLATION.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; kept with the case.")],
    version: Annotated[
        int | None, typer.Option("--expected-version", help="Say nothing when the case is at another one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what a case was. This proposes: the case is closed when a person says the same in the application."""
    from app.cli.cases import propose_disposition

    propose_disposition(tenant, case, disposition=disposition, reason=reason, version=version, as_json=as_json)
