"""`oms order`: single orders from the command line, for who runs the installation."""

from typing import Annotated

import typer

order_app = typer.Typer(no_args_is_help=True, help="Single orders.")


@order_app.command("explain")
def order_explain(
    order_id: Annotated[str, typer.Argument(metavar="ID", help="The id of the order.")],
    tenant: Annotated[str, typer.Option("--tenant", metavar="SLUG", help="Whose order.")],
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON for programs.")] = False,
) -> None:
    """Tell why the limits let an order pass or refused it, and what would have let it pass."""
    from app.cli.orders import explain_order

    explain_order(tenant, order_id, as_json=as_json)
