"""`oms docs`: the reference pages that are made from the code, so that they cannot tell anything else."""

import inspect
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from types import ModuleType
from typing import TYPE_CHECKING, Any

from app.brokers.ib.codes import (
    CLIENT_ID_TAKEN,
    CODES,
    EFFECTS,
    EVENT_EFFECTS,
    OBSERVED,
    SOURCE,
    meaning_of,
)
from app.brokers.ib.line_words import codes_of
from app.compliance.domain.record_exports import MEANING as EXPORT_MEANING
from app.compliance.domain.record_exports import ExportFailure
from app.compliance.errors import COMPLIANCE_MEANING, ComplianceProblem
from app.core.errors import OmsError
from app.core.fix import LineState, OrderState, RiskLimitType
from app.core.money import plain
from app.identity.domain import ROLE_SCOPES, Role, Scope
from app.orders.domain.transitions import TRANSITIONS
from app.orders.errors import MEANING as PROBLEM_MEANING
from app.orders.errors import OrderProblem
from app.orders.events import ANY_DETAILS, OrderEventType
from app.orders.events import DETAILS as EVENT_DETAILS
from app.orders.events import MEANING as EVENT_MEANING
from app.risk.domain.chain import MEANING as RISK_MEANING
from app.risk.domain.chain import formula_of
from app.risk.domain.conditions import described_keys
from app.risk.domain.limits import MAY_HAVE_CURRENCY, VALUES
from app.risk.errors import MEANING as LIMIT_MEANING
from app.risk.errors import LimitProblem
from app.risk.monitoring.domain.breakers import MEANING as BREAKER_MEANING
from app.risk.monitoring.domain.breakers import BreakerProblem

if TYPE_CHECKING:
    from app.simulator.faults import ParameterDescription
    from app.simulator.scenarios import Step
    from schema.base.permissions import Requirement

_NOTICE = "<!-- Generated from the code by `oms docs write`; change it there. -->"


class ReferenceChangedError(OmsError):
    """A committed reference page is not the one that the code makes."""

    code = "REFERENCE_CHANGED"


def error_codes() -> str:
    """The page of all codes that an answer may carry."""
    problems = [(f"`{code.value}`", PROBLEM_MEANING[code]) for code in OrderProblem]
    compliance = [(f"`{code.value}`", COMPLIANCE_MEANING[code]) for code in ComplianceProblem]
    risk = [(f"`RISK_{kind.value}`", "the limit of this type refused the order") for kind in RiskLimitType]
    errors = [
        (f"`{code}`", "yes" if is_retryable else "no", " ".join(meanings))
        for code, is_retryable, meanings in _error_classes()
    ]
    return _page(
        "Error codes",
        "Programs may rely on a code: it is used for one thing and never renamed. Messages are for people and may "
        "change.",
        "## Problems of an order\n\n"
        "In `errors` of the payload of `placeOrder`, `modifyOrder` and `cancelOrder`, and of `previewOrder`, each with "
        "the `path` of the input that it is about. Nothing was stored, unless the payload carries an order too.",
        _table(("code", "meaning"), problems),
        "## Refusals by the risk chain\n\n"
        "The order is stored as `REJECTED` with `rejectOrigin` `OMS`, and `riskChecks` tells what each limit said "
        "(see [risk checks](risk-checks.md)).",
        _table(("code", "meaning"), risk),
        "## Refusals by compliance\n\n"
        "The order is stored as `REJECTED` with `rejectOrigin` `OMS`; a change is not taken (see "
        "[compliance](../compliance.md)).",
        _table(("code", "meaning"), compliance),
        "## Why an export of order records failed\n\n"
        "In `errorCode` of an `OrderRecordExport` that is FAILED (see [compliance](../compliance.md#as-a-kept-file)).",
        _table(("code", "meaning"), [(f"`{code.value}`", EXPORT_MEANING[code]) for code in ExportFailure]),
        "## Problems of a limit\n\n"
        "With the `path` of the field, and within `conditions` of the key, that it is about. Nothing was stored.",
        _table(("code", "meaning"), [(f"`{code.value}`", LIMIT_MEANING[code]) for code in LimitProblem]),
        "## What is wrong about a circuit breaker",
        _table(("code", "meaning"), [(f"`{code.value}`", BREAKER_MEANING[code]) for code in BreakerProblem]),
        "## Errors\n\n"
        "Of a whole request: in `errors[].extensions.code` of the answer, or in the one line of a command. "
        "`previewOrder` says with some of them why a figure is missing. *Retry* tells whether the same request may "
        "succeed later.",
        _table(("code", "retry", "meaning"), errors),
    )


def events() -> str:
    """The page of the order events and of the states that they lead through."""
    types = [(f"`{kind.value}`", EVENT_MEANING[kind]) for kind in OrderEventType]
    moves = [(f"`{state.value}`", _listed(TRANSITIONS[state], OrderState)) for state in OrderState]
    return _page(
        "Order events",
        "Each account has one event log: `sequence` increases by one and has no gap. `orderEvents(accountId, "
        "afterSequence)` first sends everything behind the cursor from the log, then what happens.",
        "## Types",
        _table(("type", "meaning"), types),
        "## Details\n\nNumbers are plain decimals in text. `details` of any event may hold:",
        _table(("key", "meaning"), [(f"`{key}`", meaning) for key, meaning in ANY_DETAILS.items()]),
        "Each type adds its own. A rejection that does not begin an order's life tells only why.",
        *(
            f"### {kind.value}\n\n" + _table(("key", "meaning"), [(f"`{key}`", told) for key, told in keys.items()])
            for kind, keys in EVENT_DETAILS.items()
            if keys
        ),
        "## States\n\n"
        "The moves that an order may make. What a broker says that fits none of them is kept in quarantine and not "
        "published. An order that we rejected ourselves never moves again.",
        _table(("from", "to"), moves),
    )


def risk_checks() -> str:
    """The page of the pre-trade chain."""
    checks = [(f"`{kind.value}`", RISK_MEANING[kind], f"`{formula_of(kind)}`", _value(kind)) for kind in RiskLimitType]
    keys = [
        (f"`{key}`", "all" if kind is None else f"`{kind.value}`", meaning) for kind, key, meaning in described_keys()
    ]
    return _page(
        "Risk checks",
        "Every active limit that covers the account, the strategy and the instrument is held against an order before "
        "it is stored, changed or let go; all speak, and the first that fails refuses. The chain fails closed: a price "
        "that is missing, no number or older than a minute, a rate older than five minutes, figures of the account "
        "that are not known or stale, and a limit that is malformed all refuse. How the counts stay exact is told in "
        "[risk](../explanation/risk.md).",
        _table(("type", "asks that", "formula", "value"), checks),
        "A buy is valued at its limit, a sell at its limit or the market, whichever is higher; a stop at its trigger "
        "or the market, whichever is higher; a market order at the market. Money is in the limit's `currency`; without "
        "one a notional is in the instrument's, a figure of an account in its base currency.",
        "An order that only closes a position (`closePosition`) is held against `MAX_OPEN_ORDERS` and `WASH_TRADE` "
        "alone.",
        "## Conditions\n\nA document of these keys; others are refused. `SYMBOL_WHITELIST` and `SYMBOL_BLACKLIST` need "
        "`symbols`, which is the list itself.",
        _table(("key", "of", "meaning"), keys),
    )


def _value(kind: RiskLimitType) -> str:
    rule = VALUES[kind]
    if rule is None:
        return "none"
    currency = ", with a currency" if kind in MAY_HAVE_CURRENCY else ""
    return f"{rule.unit} from {plain(rule.least)} to {plain(rule.most)}{currency}"


def scopes() -> str:
    """The page of what each role may."""
    rows = [(f"`{scope.value}`", *("yes" if scope in ROLE_SCOPES[role] else "" for role in Role)) for scope in Scope]
    return _page(
        "Roles and scopes",
        "Every operation of the schema names the scope that it needs. A person's scopes follow from the role in the "
        "tenant; an API key has those it was made with, as far as its maker still has them.",
        _table(("scope", *(role.value for role in Role)), rows),
    )


def operations() -> str:
    """The page of what each role may ask for, do and follow."""
    from schema.schema import REQUIREMENTS, field_requirements, schema

    name_of = schema.config.name_converter.apply_naming_config
    roots: dict[str, list[tuple[str, ...]]] = {"Query": [], "Mutation": [], "Subscription": []}
    for (root, name), requirement in sorted(REQUIREMENTS.items()):
        roots[root].append((f"`{name_of(name)}`", *_openness(requirement)))
    below = [(f"`{kind}.{name}`", *_openness(asked)) for (kind, name), asked in sorted(field_requirements().items())]
    head = ("operation", "asks for", *(role.value for role in Role))
    return _page(
        "Roles and operations",
        "What each operation asks of the credential, and which roles have it. An API key reaches what its scopes "
        "open, and never more than its maker still may. A test asks each operation as each role and holds the answer "
        "against this page.",
        *(f"## {root}\n\n{_table(head, rows)}" for root, rows in roots.items()),
        "## Fields\n\nBelow the operations these fields ask for more; all others show to whoever reached them.\n\n"
        + _table(("field", *head[1:]), below),
    )


def _openness(requirement: "Requirement") -> tuple[str, ...]:
    if not requirement.needs_principal:
        return ("nothing", *("yes" for _ in Role))
    if requirement.is_platform:
        return ("a login of the platform", *("" for _ in Role))
    if requirement.scope is None:
        return ("a credential", *("yes" for _ in Role))
    return (f"`{requirement.scope.value}`", *("yes" if requirement.scope in ROLE_SCOPES[role] else "" for role in Role))


def pathologies() -> str:
    """The page of the simulator's faults and of the named pathologies."""
    from app.simulator.faults import FAULTS, ParameterReader
    from app.simulator.faults import meaning_of as meaning_of_fault
    from app.simulator.faults.parameters import Parameters
    from app.simulator.scenarios import pathologies as pack

    shared = ParameterReader(Parameters).described()
    named = {one.name for one in shared}
    rows = [
        (f"`{one.name}`", one.seen, one.handled, ", ".join(map(str, one.behaviours)), ", ".join(_used(one.steps)))
        for one in pack().values()
    ]
    faults = []
    for name in sorted(FAULTS):
        described = ParameterReader(FAULTS[name].parameters_type).described()
        own = [_parameter_row(one) for one in described if one.name not in named]
        faults.append(
            f"### {name}\n\n{meaning_of_fault(name)}" + ("\n\n" + _table(_PARAMETER_HEAD, own) if own else "")
        )
    return _page(
        "Pathologies of gateways",
        "What desks have seen gateways do, and what becomes of it here. The bundled simulator plays each by its name: "
        "`oms simulator scenario run NAME`, `simulatorFault` over GraphQL for a tenant's own paper account, and "
        "`oms demo --chaos` at random. Each is a file in `app/simulator/pathologies`, and after each of them "
        "`tests/integration/connector/test_pathologies.py` finds our orders, executions and positions equal to the "
        "simulator's. They come from users' reports and from the documentation of Interactive Brokers; none was "
        "provoked on a real gateway.",
        "## Pathologies\n\nThe numbers are those of the behaviours that "
        "`tests/integration/connector/test_behaviours.py` tries.",
        _table(("name", "seen", "what becomes of it", "behaviours", "faults"), rows),
        "## Faults\n\n`oms simulator fault inject NAME --param key=value --for 30s`. Each takes these:",
        _table(_PARAMETER_HEAD, [_parameter_row(one) for one in shared]),
        *faults,
    )


def commands() -> str:
    """The page of the commands."""
    from typer.main import get_command

    from app.cli.commands import app as oms

    return _page(
        "Commands",
        "`oms COMMAND --help` tells the same. Exit codes: 0 done, 1 an error, 2 a command that cannot be read, "
        "3 not signed in or not allowed, 4 refused by risk, 5 not found, 6 the broker is away, 7 not known.",
        *_sections(get_command(oms), "oms"),
    )


# Typer carries a copy of click of its own, whose types have no public name.
def _sections(command: Any, name: str) -> Iterator[str]:
    children: dict[str, Any] = getattr(command, "commands", {})
    rows = [row for one in command.params if (row := _argument(one)) is not None]
    if not children or getattr(command, "invoke_without_command", False):
        told = inspect.cleandoc(command.help or "")
        yield f"## {name}\n\n{told}" + ("\n\n" + _table(("argument", "meaning"), rows) if rows else "")
    for child in children:
        yield from _sections(children[child], f"{name} {child}")


def _argument(one: Any) -> tuple[str, str] | None:
    if one.name in {"help", None}:
        return None
    shown = ", ".join(one.opts) if one.param_type_name == "option" else (one.metavar or str(one.name).upper())
    value = f" {one.metavar}" if one.param_type_name == "option" and one.metavar else ""
    return f"`{shown}{value}`", getattr(one, "help", None) or ""


_PARAMETER_HEAD = ("parameter", "type", "default", "meaning")


def _parameter_row(one: "ParameterDescription") -> tuple[str, ...]:
    default = "" if one.default in (None, "", []) else f"`{_json(one.default)}`"
    return f"`{one.name}`", one.type, default, one.meaning


def _json(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _used(steps: "Iterable[Step]") -> list[str]:
    return [f"`{name}`" for name in dict.fromkeys(step.fault for step in steps)]


def broker_codes() -> str:
    """The page of Interactive Brokers' codes and of what each does."""
    rows = []
    for code, (fault, words) in CODES.items():
        event = meaning_of(code).event
        does = "" if event is None else EVENT_EFFECTS[event]
        if code == CLIENT_ID_TAKEN:
            does = "the client id is kept and tried again, more and more seldom"
        source = "reports of users" if words.startswith(OBSERVED) else "IB's page"
        rows.append((str(code), words.removeprefix(OBSERVED), f"`{fault.value}`", does, source))
    lines = "; ".join(
        f"`{state.value}` {', '.join(str(code) for code in sorted(codes_of(state)))}"
        for state in LineState
        if codes_of(state)
    )
    return _page(
        "Interactive Brokers' codes",
        "What an error message of TWS or IB Gateway does. The class decides for an order that the message names; "
        "beside it a code may tell of the connection.",
        "## Classes",
        _table(("class", "effect on the order"), [(f"`{fault.value}`", effect) for fault, effect in EFFECTS.items()]),
        f"## Codes\n\nThe words are those of [IB's page of message codes]({SOURCE}). Of the codes 2100 to 2199 those "
        "without a line are `INFORMATION`; every other code without a line is `UNKNOWN`. Each line has a test named "
        "after its code in `tests/unit/orders/test_broker_codes.py`. None was provoked on a real gateway; the "
        "simulator sends what its own page lists.",
        _table(("code", "words", "class", "connection", "source"), rows),
        f"## Of a market data line\n\nThe state that the line takes: {lines}.",
    )


PAGES: dict[str, Callable[[], str]] = {
    "broker-codes.md": broker_codes,
    "commands.md": commands,
    "error-codes.md": error_codes,
    "events.md": events,
    "operations.md": operations,
    "pathologies.md": pathologies,
    "risk-checks.md": risk_checks,
    "scopes.md": scopes,
}


def write(folder: Path) -> None:
    """Write all pages into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (folder / name).write_text(page(), encoding="utf-8")
        print(f"wrote {folder / name}", file=sys.stderr)


def check(folder: Path) -> None:
    """Compare the pages in the folder with the code.

    Raises: ReferenceChangedError naming those that differ.
    """
    changed = [
        name
        for name, page in PAGES.items()
        if not (folder / name).exists() or (folder / name).read_text(encoding="utf-8") != page()
    ]
    if changed:
        raise ReferenceChangedError(f"not current: {', '.join(changed)}; run `oms docs write`")


def _error_classes() -> Iterator[tuple[str, bool, list[str]]]:
    import app
    import schema

    _import_all(app)
    _import_all(schema)
    meanings: dict[str, list[str]] = {}
    retryable: dict[str, bool] = {}
    for kind in sorted(_below(OmsError), key=lambda one: (one.code, one.__module__, one.__name__)):
        if kind.code == OmsError.code or kind.__module__.partition(".")[0] not in {"app", "schema"}:
            continue
        first_line = (kind.__doc__ or "").strip().splitlines()[0]
        meanings.setdefault(kind.code, []).append(first_line)
        retryable[kind.code] = kind.is_retryable
    for code, lines in meanings.items():
        yield code, retryable[code], lines


def _below(kind: type[OmsError]) -> set[type[OmsError]]:
    found = set(kind.__subclasses__())
    return found.union(*(_below(one) for one in found))


def _import_all(package: ModuleType) -> None:
    for module in walk_packages(package.__path__, f"{package.__name__}."):
        if not module.name.endswith("__main__"):
            import_module(module.name)


def _listed(chosen: Iterable[OrderState], order: Iterable[OrderState]) -> str:
    return ", ".join(f"`{state.value}`" for state in order if state in set(chosen))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    lines.extend(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows)
    return "\n".join(lines)


def _page(title: str, *parts: str) -> str:
    return "\n\n".join((f"# {title}", _NOTICE, *parts)) + "\n"
