"""`oms audit`: the audit log from the command line, for who runs the installation."""

from pathlib import Path
from typing import Annotated

import typer

audit_app = typer.Typer(no_args_is_help=True, help="The audit log: searching, exporting, verifying it.")

Tenant = Annotated[str, typer.Option("--tenant", metavar="SLUG", help="Whose log.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON for programs.")]
Actor = Annotated[str | None, typer.Option("--actor", help="user:<id>, key:<id>, system:<name>, anonymous.")]
Action = Annotated[str | None, typer.Option("--action", help="Such as order.place.")]
ResourceType = Annotated[str | None, typer.Option("--resource-type", help="Such as Order.")]
ResourceId = Annotated[str | None, typer.Option("--resource-id", help="The id of what was acted upon.")]
RequestId = Annotated[str | None, typer.Option("--request-id", help="The id that the answer carried.")]
Since = Annotated[str | None, typer.Option("--since", metavar="TIME", help="From this instant on, RFC 3339.")]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Before this instant, RFC 3339.")]
Text = Annotated[str | None, typer.Option("--text", help="In action, resource or values, whatever its case.")]


@audit_app.command("verify")
def audit_verify(
    tenant: Annotated[
        str | None, typer.Option("--tenant", metavar="SLUG", help="Only this tenant's log; all when not given.")
    ] = None,
    has_sink: Annotated[
        bool, typer.Option("--sink/--no-sink", help="Hold the log against the heads in OMS_AUDIT_SINK.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Hold every entry against its hash, and the chain against the signed heads; exit code 1 when anything is broken.

    Processes may run meanwhile. Without a sink only the heads in the database are there to be held against, and who
    owns the database can change those too.
    """
    from app.cli.audit import verify

    raise typer.Exit(verify(tenant, has_sink=has_sink, as_json=as_json))


@audit_app.command("search")
def audit_search(
    tenant: Tenant,
    actor: Actor = None,
    action: Action = None,
    resource_type: ResourceType = None,
    resource_id: ResourceId = None,
    request_id: RequestId = None,
    since: Since = None,
    until: Until = None,
    text: Text = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="How many, the newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show the newest entries that fit; all conditions hold. That it was searched is written into the log itself."""
    from app.cli.audit import Asked, search

    asked = Asked(actor, action, resource_type, resource_id, request_id, since, until, text)
    search(tenant, asked, limit=limit, as_json=as_json)


@audit_app.command("export")
def audit_export(
    tenant: Tenant,
    form: Annotated[str, typer.Option("--format", metavar="FORMAT", help="jsonl or csv.")] = "jsonl",
    output: Annotated[Path | None, typer.Option("--output", help="The file; standard output when not given.")] = None,
    actor: Actor = None,
    action: Action = None,
    resource_type: ResourceType = None,
    resource_id: ResourceId = None,
    request_id: RequestId = None,
    since: Since = None,
    until: Until = None,
    text: Text = None,
) -> None:
    """Write entries from the oldest on. Without conditions, JSON lines are the whole chain and can be verified without
    us: docs/audit.md has the script. That it was exported is written into the log first.
    """
    from app.cli.audit import Asked, export

    asked = Asked(actor, action, resource_type, resource_id, request_id, since, until, text)
    export(tenant, asked, form=form, output=output)


@audit_app.command("export-heads")
def audit_export_heads(tenant: Tenant) -> None:
    """Print the signed heads that the sink keeps of a tenant, a line each; without a sink those of the database."""
    from app.cli.audit import export_heads

    export_heads(tenant)


@audit_app.command("export-person")
def audit_export_person(
    tenant: Tenant,
    user: Annotated[str, typer.Option("--user", metavar="ID", help="The id of the person.")],
) -> None:
    """Print all that is kept of a person in a tenant, as JSON lines: profile, sessions, keys, acts, audit entries."""
    from app.cli.audit import export_person

    export_person(tenant, user)


@audit_app.command("generate-key")
def audit_generate_key(
    version: Annotated[str, typer.Option("--version", help="The name of the key, such as 2.")] = "1",
) -> None:
    """Print a new entry of OMS_AUDIT_SIGNING_KEY: put it before the others."""
    from app.cli.audit import generate_key

    generate_key(version)


@audit_app.command("keys")
def audit_keys() -> None:
    """Print the public keys that signatures of heads are held against, for auditors and for OMS_AUDIT_VERIFY_KEYS."""
    from app.cli.audit import show_keys

    show_keys()
