"""`oms simulator …`: the simulator itself, and what may be done to one that runs."""

from pathlib import Path
from typing import Annotated

import typer

simulator_app = typer.Typer(
    invoke_without_command=True,
    help="Run the TWS-protocol simulator, or command one that runs on this machine.",
)
fault_app = typer.Typer(no_args_is_help=True, help="Faults: what a gateway may do wrong.")
scenario_app = typer.Typer(no_args_is_help=True, help="Scenarios: faults in their order of time.")
clock_app = typer.Typer(no_args_is_help=True, help="The simulator's clock.")
market_app = typer.Typer(no_args_is_help=True, help="The simulator's market.")
simulator_app.add_typer(fault_app, name="fault")
simulator_app.add_typer(scenario_app, name="scenario")
simulator_app.add_typer(clock_app, name="clock")
simulator_app.add_typer(market_app, name="market")

AsJson = Annotated[bool, typer.Option("--json", help="Write JSON for programs.")]
For = Annotated[
    str | None, typer.Option("--for", metavar="TIME", help="How long, such as 30s, 5m or 500ms; until cleared if not.")
]
Given = Annotated[list[str] | None, typer.Option("--param", metavar="NAME=VALUE", help="A parameter; lists by comma.")]
SnapshotFile = Annotated[Path, typer.Argument(metavar="PATH", help="The file.")]


@simulator_app.callback()
def simulator(context: typer.Context) -> None:
    """Run the TWS-protocol simulator, or command one that runs on this machine."""
    if context.invoked_subcommand is None:
        from app.cli.processes import run_simulator

        run_simulator()


@simulator_app.command("status")
def status(as_json: AsJson = False) -> None:
    """Tell its time, its market, its clients and its faults."""
    from app.cli.simulator import command, show

    show(command("status"), as_json=as_json)


@simulator_app.command("save")
def save(path: SnapshotFile) -> None:
    """Save all of it: orders, books, executions, ids, the market with its dice, the clock."""
    from app.cli.simulator import command

    command("save", path=str(path.expanduser().absolute()))


@simulator_app.command("restore")
def restore(path: SnapshotFile) -> None:
    """Be again as it was when it was saved; every client is cut and finds that state when it is back."""
    from app.cli.simulator import command

    command("restore", path=str(path.expanduser().absolute()))


@fault_app.command("list")
def fault_list(as_json: AsJson = False) -> None:
    """List the faults there are, and those at work."""
    from app.cli.simulator import show_faults

    show_faults(as_json=as_json)


@fault_app.command("show")
def fault_show(name: str, as_json: AsJson = False) -> None:
    """Tell what a fault does and its parameters."""
    from app.cli.simulator import show_fault

    show_fault(name, as_json=as_json)


@fault_app.command("inject")
def fault_inject(name: str, param: Given = None, lasts: For = None, as_json: AsJson = False) -> None:
    """Set a fault to work."""
    from app.cli.simulator import inject

    inject(name, param or [], lasts, as_json=as_json)


@fault_app.command("clear")
def fault_clear(
    fault_id: Annotated[int | None, typer.Option("--id", help="Only this one, by its number.")] = None,
) -> None:
    """End the faults at work and the scenarios that play."""
    from app.cli.simulator import command

    answer = command("clear", **({} if fault_id is None else {"id": fault_id}))
    typer.echo(f"{answer['cleared']} faults ended", err=True)


@scenario_app.command("list")
def scenario_list(as_json: AsJson = False) -> None:
    """List the pathologies that come with the simulator."""
    from app.cli.simulator import show_pathologies

    show_pathologies(as_json=as_json)


@scenario_app.command("run")
def scenario_run(
    scenario: Annotated[str, typer.Argument(metavar="FILE|NAME", help="A TOML file, or a pathology's name.")],
    as_json: AsJson = False,
) -> None:
    """Play a scenario; returns once it has begun."""
    from app.cli.simulator import play, show

    show(play(scenario), as_json=as_json)


@clock_app.command("show")
def clock_show(as_json: AsJson = False) -> None:
    """Tell the simulator's time."""
    from app.cli.simulator import turn_clock

    turn_clock("show", as_json=as_json)


@clock_app.command("pause")
def clock_pause(as_json: AsJson = False) -> None:
    """Let time stand, and the market with it."""
    from app.cli.simulator import turn_clock

    turn_clock("pause", as_json=as_json)


@clock_app.command("resume")
def clock_resume(as_json: AsJson = False) -> None:
    """Let time go on."""
    from app.cli.simulator import turn_clock

    turn_clock("resume", as_json=as_json)


@clock_app.command("step")
def clock_step(time: Annotated[str, typer.Argument(metavar="TIME", help="Such as 1s, 90m or 6h.")] = "1s") -> None:
    """Move time on at once; the market moves once."""
    from app.cli.simulator import seconds_of, turn_clock

    turn_clock("step", as_json=False, seconds=seconds_of(time, "TIME"))


@clock_app.command("set")
def clock_set(now: Annotated[str, typer.Argument(metavar="TIME", help="ISO 8601 with an offset.")]) -> None:
    """Move time on to an instant; it never goes back."""
    from app.cli.simulator import turn_clock

    turn_clock("set", as_json=False, now=now)


@clock_app.command("speed")
def clock_speed(speed: Annotated[str, typer.Argument(help="Seconds for each second, such as 10 or 0.5.")]) -> None:
    """Let time and the market run faster or slower."""
    from app.cli.simulator import turn_clock

    turn_clock("speed", as_json=False, speed=speed)


@market_app.command("pause")
def market_pause() -> None:
    """Let prices stand."""
    from app.cli.simulator import command

    command("market", action="pause")


@market_app.command("resume")
def market_resume() -> None:
    """Let prices move."""
    from app.cli.simulator import command

    command("market", action="resume")


@market_app.command("step")
def market_step(steps: Annotated[int, typer.Argument(help="How often.")] = 1) -> None:
    """Move every price, paused or not."""
    from app.cli.simulator import command

    command("market", action="step", steps=steps)


@market_app.command("quote")
def market_quote(
    symbol: str,
    bid: Annotated[str | None, typer.Option(help="Best bid; nothing is bid when not given.")] = None,
    ask: Annotated[str | None, typer.Option(help="Best ask; nothing is offered when not given.")] = None,
    last: Annotated[str | None, typer.Option(help="Last trade; as it was when not given.")] = None,
) -> None:
    """Show a quote until the market's next move; pause it first."""
    from app.cli.simulator import command

    command("market", action="quote", symbol=symbol, bid=bid, ask=ask, last=last)


@market_app.command("replay")
def market_replay(
    path: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A CSV of ticks; none: prices walk again.")
    ] = None,
) -> None:
    """Show recorded ticks in their own time, in place of the walk."""
    from app.cli.simulator import command

    answer = command("replay", path=None if path is None else str(path.expanduser().absolute()))
    typer.echo(f"{answer['ticks']} ticks", err=True)
