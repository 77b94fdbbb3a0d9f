"""`oms risk`: risk figures of what a tenant holds, for who runs the installation."""

from typing import Annotated

import typer

risk_app = typer.Typer(no_args_is_help=True, help="Exposure, value at risk and stress of what a tenant holds.")

Tenant = Annotated[str, typer.Option("--tenant", metavar="SLUG", help="Whose positions.")]
Accounts = Annotated[
    list[str] | None, typer.Option("--account", metavar="ID", help="Only of this account; may be given again.")
]
Mode = Annotated[str | None, typer.Option("--mode", help="LIVE, PAPER or BOTH; that of the accounts when not given.")]
Currency = Annotated[str | None, typer.Option("--currency", help="Told in it; the oldest account's when not given.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON for programs.")]


@risk_app.command("exposure")
def risk_exposure(
    tenant: Tenant,
    accounts: Accounts = None,
    mode: Mode = None,
    currency: Currency = None,
    as_json: AsJson = False,
) -> None:
    """Tell what is held long and short, by currency, sector and instrument."""
    from app.cli.risk import Asked, exposure

    exposure(Asked(tenant=tenant, accounts=accounts, mode=mode, currency=currency), as_json=as_json)


@risk_app.command("var")
def risk_var(
    tenant: Tenant,
    accounts: Accounts = None,
    mode: Mode = None,
    currency: Currency = None,
    confidence: Annotated[str, typer.Option("--confidence", help="0.8 to 0.999.")] = "0.99",
    horizon_days: Annotated[int, typer.Option("--horizon", min=1, max=60, help="In trading days.")] = 1,
    days: Annotated[int, typer.Option("--days", min=30, max=1000, help="Past days at most.")] = 500,
    as_json: AsJson = False,
) -> None:
    """Tell the value at risk and the expected shortfall of what is held, from the daily closes that are kept."""
    from app.cli.risk import Asked, value_at_risk

    asked = Asked(tenant=tenant, accounts=accounts, mode=mode, currency=currency)
    value_at_risk(asked, confidence, horizon_days, days, as_json=as_json)


@risk_app.command("stress")
def risk_stress(
    tenant: Tenant,
    accounts: Accounts = None,
    mode: Mode = None,
    currency: Currency = None,
    price: Annotated[
        str | None, typer.Option("--price", help="A jump of all prices: -0.2 is a fall by a fifth.")
    ] = None,
    volatility: Annotated[str | None, typer.Option("--volatility", help="A jump of implied volatilities.")] = None,
    past: Annotated[
        list[str] | None, typer.Option("--past", help="A fall of the past; all when no scenario is given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell what is held would gain or lose in scenarios."""
    from app.cli.risk import Asked, stress

    asked = Asked(tenant=tenant, accounts=accounts, mode=mode, currency=currency)
    stress(asked, price, volatility, past, as_json=as_json)
