"""The tree of commands. Each imports what it needs when it is called, so that `oms --help` is quick."""

import json
from pathlib import Path
from typing import Annotated

import typer

from app.cli.audit_commands import audit_app
from app.cli.compliance_commands import compliance_app
from app.cli.halt_commands import add_halt_commands
from app.cli.limit_commands import limits_app, risk_drill
from app.cli.monitoring_commands import add_monitoring_commands
from app.cli.order_commands import order_app
from app.cli.platform_commands import platform_app, tenant_app
from app.cli.risk_commands import risk_app
from app.cli.simulator_commands import simulator_app

app = typer.Typer(
    name="oms",
    help="OMS Trading: order management for Interactive Brokers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
schema_app = typer.Typer(no_args_is_help=True, help="The GraphQL schema.")
config_app = typer.Typer(no_args_is_help=True, help="The settings.")
app.add_typer(schema_app, name="schema")
app.add_typer(config_app, name="config")
docs_app = typer.Typer(no_args_is_help=True, help="The reference pages.")
app.add_typer(simulator_app, name="simulator")
app.add_typer(audit_app, name="audit")
app.add_typer(compliance_app, name="compliance")
add_halt_commands(risk_app)
add_monitoring_commands(risk_app)
app.add_typer(risk_app, name="risk")
risk_app.add_typer(limits_app, name="limits")
risk_app.command("drill")(risk_drill)
app.add_typer(docs_app, name="docs")
journal_app = typer.Typer(no_args_is_help=True, help="The event log as the journal of orders and positions.")
app.add_typer(journal_app, name="journal")
secrets_app = typer.Typer(no_args_is_help=True, help="What seals the credentials of broker accounts.")
app.add_typer(secrets_app, name="secrets")
documents_app = typer.Typer(no_args_is_help=True, help="The list of documents that may be asked by their id.")
app.add_typer(documents_app, name="documents")
app.add_typer(order_app, name="order")
app.add_typer(platform_app, name="platform")
app.add_typer(tenant_app, name="tenant")
mail_app = typer.Typer(no_args_is_help=True, help="Mails to people, and the errands of the worker.")
app.add_typer(mail_app, name="mail")
DocsFolder = Annotated[Path, typer.Option("--folder", help="The folder of the pages.")]

AsJson = Annotated[bool, typer.Option("--json", help="Write JSON for programs.")]


@app.command()
def up() -> None:
    """Run everything: PostgreSQL, Redis, the simulator and all processes, until Ctrl-C."""
    from app.infra.settings import load_settings
    from app.supervisor import run

    raise typer.Exit(run(load_settings()))


@app.command()
def demo(
    as_json: AsJson = False,
    is_chaotic: Annotated[
        bool, typer.Option("--chaos", help="Play pathologies at random against the running demo, and tell each.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", help="Of the chaos: the same seed, the same pathologies.")] = 1,
    lasts: Annotated[str, typer.Option("--for", metavar="TIME", help="How long the chaos lasts.")] = "5m",
) -> None:
    """Tell where the demo is and how to log in; or bring chaos to its simulator."""
    from app.cli.demo import play_chaos, show

    if is_chaotic:
        play_chaos(seed, lasts, as_json=as_json)
    else:
        show(as_json=as_json)


@app.command()
def serve() -> None:
    """Run the web process: GraphQL over HTTP and WebSocket, and the dashboard."""
    from app.cli.processes import run_process

    run_process("app.web", "run")


@app.command()
def connector() -> None:
    """Run the connector: orders to brokers, their reports and prices back."""
    from app.cli.processes import run_process

    run_process("app.connector", "run")


@app.command()
def relay() -> None:
    """Run the relay: committed events from the outbox to subscribers."""
    from app.cli.processes import run_process

    run_process("app.relay", "run")


@app.command()
def worker() -> None:
    """Run a worker: tasks that are done later."""
    from app.cli.processes import run_process

    run_process("app.worker", "run")


@app.command()
def scheduler() -> None:
    """Run the scheduler: tasks that are due on a timer."""
    from app.cli.processes import run_process

    run_process("app.worker", "run_scheduler")


@app.command()
def migrate(
    with_demo: Annotated[bool, typer.Option("--demo", help="Seed the demo too.")] = False,
    is_check: Annotated[bool, typer.Option("--check", help="Fail when models and migrations differ.")] = False,
) -> None:
    """Bring the database to the newest revision."""
    from app.cli.database import migrate as run_migrations

    run_migrations(with_demo=with_demo, is_check=is_check)


@app.command()
def doctor(
    host: Annotated[str | None, typer.Option("--host", help="Look at the gateway of this host.")] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=1, max=65535, help="Its port: 4003 live, 4004 paper.")
    ] = None,
    client_id: Annotated[
        int | None, typer.Option("--client-id", min=0, help="Look under this client id, to see whether it is in use.")
    ] = None,
    account: Annotated[
        str | None, typer.Option("--account", help="Tell whether this account is managed there.")
    ] = None,
    is_paper: Annotated[
        bool | None,
        typer.Option("--paper/--live", help="What the account is meant to be; by its number when not given."),
    ] = None,
    has_accounts: Annotated[
        bool, typer.Option("--accounts", help="Look at the gateway of every account that is to be connected.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check settings, servers and ports; exit code 1 when something is wrong, 6 when only the broker is.

    With --host and --port, or with --accounts, it tells in words what is wrong with gateways: it opens a session, asks
    for the time and the open orders, and leaves; nothing is ordered, changed or canceled.
    """
    if (host is None) is not (port is None) or (host is not None and has_accounts):
        raise typer.BadParameter("--host and --port go together, without --accounts")
    if host is not None and port is not None:
        from app.cli.gateway_doctor import examine_gateway

        raise typer.Exit(
            examine_gateway(host, port, client_id=client_id, account=account, is_paper=is_paper, as_json=as_json)
        )
    if has_accounts:
        from app.cli.gateway_doctor import examine_accounts

        raise typer.Exit(examine_accounts(as_json=as_json))
    from app.cli.doctor import examine

    raise typer.Exit(examine(as_json=as_json))


@schema_app.command("export")
def schema_export(
    is_check: Annotated[bool, typer.Option("--check", help="Fail when the file is not current.")] = False,
    path: Annotated[Path | None, typer.Option("--output", help="Where to; the committed file when not given.")] = None,
) -> None:
    """Write the schema as GraphQL text to the committed file, which the front end and reviewers read."""
    from app.cli.schema import export

    export(path, is_check=is_check)


@config_app.command("show")
def config_show(as_json: AsJson = False) -> None:
    """Show every setting with its value; secrets stay hidden."""
    from app.cli.config import shown
    from app.infra.settings import load_settings

    values = shown(load_settings())
    if as_json:
        typer.echo(json.dumps(values, indent=2))
        return
    width = max(map(len, values))
    for name, value in values.items():
        typer.echo(f"{name:<{width}}  {'' if value is None else value}")


@config_app.command("check")
def config_check() -> None:
    """Check the settings without starting anything."""
    from app.infra.settings import load_settings

    settings = load_settings()
    typer.echo(f"the settings are good ({settings.environment})", err=True)


@config_app.command("example")
def config_example() -> None:
    """Print .env.example: every setting with its description and default."""
    from app.cli.config import env_example

    typer.echo(env_example(), nl=False)


@config_app.command("reference")
def config_reference() -> None:
    """Print the reference page of the settings."""
    from app.cli.config import reference

    typer.echo(reference(), nl=False)


@docs_app.command("write")
def docs_write(folder: DocsFolder = Path("docs/reference")) -> None:
    """Write the reference pages that are made from the code."""
    from app.cli.reference import write

    write(folder)


@docs_app.command("check")
def docs_check(folder: DocsFolder = Path("docs/reference")) -> None:
    """Fail when a committed reference page is not the one that the code makes."""
    from app.cli.reference import check

    check(folder)


@journal_app.command("verify")
def journal_verify(
    tenant: Annotated[str | None, typer.Option("--tenant", metavar="SLUG", help="Only this tenant's accounts.")] = None,
    account: Annotated[str | None, typer.Option("--account", metavar="ID", help="Only this account.")] = None,
    as_json: AsJson = False,
) -> None:
    """Hold orders, executions and positions against a replay of the event log; exit code 1 when anything differs.

    Processes may run meanwhile: each account is read as it is at one instant. Orders that were placed before events
    told all that a replay needs are listed as not verifiable and are no difference.
    """
    from app.cli.journal import verify

    raise typer.Exit(verify(tenant, account, as_json=as_json))


@secrets_app.command("generate")
def secrets_generate(
    version: Annotated[str, typer.Option("--version", help="The name of the key, such as 2.")] = "1",
) -> None:
    """Print a new master key: an entry of OMS_MASTER_KEY, to be put before the others."""
    from app.cli.secrets import generate

    generate(version)


@secrets_app.command("show")
def secrets_show(as_json: AsJson = False) -> None:
    """Show which versions of the master key are needed."""
    from app.cli.secrets import show

    show(as_json=as_json)


@secrets_app.command("rotate")
def secrets_rotate(
    has_data_keys: Annotated[
        bool, typer.Option("--data-keys", help="Seal all secrets under new data keys, not only wrap the present ones.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Wrap every tenant's data key by the newest master key. Interrupted, it goes on when it is run again."""
    from app.cli.secrets import rotate

    rotate(has_data_keys=has_data_keys, as_json=as_json)


@documents_app.command("add")
def documents_add(
    sources: Annotated[list[Path], typer.Argument(help="Files of one GraphQL document each.", exists=True)],
    listed: Annotated[Path, typer.Option("--list", help="The list, made when it is not there: OMS_DOCUMENT_LIST.")],
) -> None:
    """Add documents to a list and print their ids; exit code 1 when one does not fit the schema."""
    from app.cli.documents import add

    add(sources, listed)


@documents_app.command("check")
def documents_check(
    listed: Annotated[Path, typer.Argument(help="The list: OMS_DOCUMENT_LIST.", exists=True)],
) -> None:
    """Check that every document of a list fits the schema; exit code 1 when one does not."""
    from app.cli.documents import check

    check(listed)


@mail_app.command("list")
def mail_list(as_json: AsJson = False) -> None:
    """List the mails of the folder that they go to when no SMTP server is set, the newest first."""
    from app.cli.mail import list_mails

    list_mails(as_json=as_json)


@mail_app.command("show")
def mail_show(
    name: Annotated[str, typer.Argument(help="The name of the mail in the list.")] = "last", as_json: AsJson = False
) -> None:
    """Show a mail of the folder with its link; the newest without a name."""
    from app.cli.mail import show_mail

    show_mail(name, as_json=as_json)


@mail_app.command("queue")
def mail_queue(as_json: AsJson = False) -> None:
    """Tell how many errands wait, are done or were given up, and what went wrong last."""
    from app.cli.mail import show_queue

    show_queue(as_json=as_json)
