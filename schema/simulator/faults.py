"""Faults of the bundled simulator: the pathologies, what is at work, playing and ending them."""

from typing import cast

import strawberry
from strawberry.scalars import JSON

from app.core.errors import InputError, OmsError
from app.core.ids import AccountId
from app.flows.brokers.simulator_faults import (
    LASTS_S_MAX,
    FaultRequest,
    FaultView,
    SimulatorRefusedError,
    clear_faults,
    list_faults,
    list_pathologies,
    play_fault,
)
from app.identity.domain import Scope
from schema.base.context import Info
from schema.base.errors import UserError, problem_errors, user_errors
from schema.base.ids import parse_id, storable
from schema.base.permissions import scoped

PARAMETERS_MAX = 50
TEXT_LENGTH_MAX = 200


@strawberry.type(description="Something that desks have seen gateways do, which the bundled simulator can do too.")
class SimulatorPathology:
    """A named pathology."""

    name: str
    seen: str = strawberry.field(description="What was seen.")
    handled: str = strawberry.field(description="What becomes of it here.")
    behaviours: list[int] = strawberry.field(
        description="Which of the twenty behaviours of a production connector it tries."
    )
    lasts_seconds: float


@strawberry.type(description="A fault at work on an account.")
class SimulatorFault:
    """A fault at work."""

    name: str
    parameters: JSON
    lasts_seconds: float | None = strawberry.field(description="Null until it is cleared.")
    strikes: int = strawberry.field(description="How often it struck.")

    @classmethod
    def of(cls, view: FaultView) -> "SimulatorFault":
        """The type of the view."""
        return cls(
            name=view.name,
            parameters=cast(JSON, dict(view.parameters)),
            lasts_seconds=view.lasts_s,
            strikes=view.strikes,
        )


@strawberry.input(description="A pathology by its name, or a fault with parameters; exactly one of the two.")
class SimulatorFaultInput:
    """What is to be played."""

    account_id: strawberry.ID = strawberry.field(description="A paper account on the bundled simulator.")
    pathology: str | None = None
    fault: str | None = None
    parameters: JSON | None = strawberry.field(
        default=None, description="Of the fault, by name; `account` and `clients` are those of the account."
    )
    lasts_seconds: float | None = strawberry.field(
        default=30.0, description=f"Of the fault, at most {LASTS_S_MAX:g}; a pathology knows its own time."
    )


@strawberry.input
class ClearSimulatorFaultsInput:
    """Whose faults end."""

    account_id: strawberry.ID


@strawberry.type(description="The faults that are at work on the account now.")
class SimulatorFaultPayload:
    """The answer of simulatorFault."""

    faults: list[SimulatorFault] = strawberry.field(default_factory=list)
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class ClearSimulatorFaultsPayload:
    """The answer of clearSimulatorFaults."""

    cleared: int = strawberry.field(default=0, description="How many faults ended.")
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class SimulatorQuery:
    """Queries of the bundled simulator."""

    @strawberry.field(
        description="The pathologies that the bundled simulator can play, by name.",
        extensions=scoped(Scope.MANAGE_BROKERS),
    )
    async def simulator_pathologies(self, info: Info) -> list[SimulatorPathology]:
        """The pathologies."""
        return [
            SimulatorPathology(
                name=one.name,
                seen=one.seen,
                handled=one.handled,
                behaviours=list(one.behaviours),
                lasts_seconds=one.lasts_s,
            )
            for one in await list_pathologies(info.context.desk)
        ]

    @strawberry.field(
        description="The faults at work on an account of the bundled simulator; at most 200.",
        extensions=scoped(Scope.MANAGE_BROKERS),
    )
    async def simulator_faults(self, info: Info, account_id: strawberry.ID) -> list[SimulatorFault]:
        """The faults at work."""
        found = await list_faults(
            info.context.desk, info.context.principal, AccountId(parse_id(account_id, "accountId"))
        )
        return [SimulatorFault.of(view) for view in found]


@strawberry.type
class SimulatorMutation:
    """Mutations of the bundled simulator."""

    @strawberry.mutation(
        description="Plays a fault of the bundled simulator on an account: its orders and its connections alone.",
        extensions=scoped(Scope.MANAGE_BROKERS),
    )
    async def simulator_fault(self, info: Info, input: SimulatorFaultInput) -> SimulatorFaultPayload:  # noqa: A002
        """Plays a fault."""
        try:
            account_id = AccountId(parse_id(input.account_id, "accountId"))
            request = FaultRequest(
                pathology=_text(input.pathology, "pathology"),
                fault=_text(input.fault, "fault"),
                parameters=_parameters(input.parameters),
                lasts_s=30.0 if input.lasts_seconds is None else input.lasts_seconds,
            )
            found = await play_fault(info.context.desk, info.context.principal, account_id, request)
        except SimulatorRefusedError as error:
            return SimulatorFaultPayload(errors=problem_errors(error.problems))
        except OmsError as error:
            return SimulatorFaultPayload(errors=user_errors(error))
        return SimulatorFaultPayload(faults=[SimulatorFault.of(view) for view in found])

    @strawberry.mutation(
        description="Ends the faults and scenarios that simulatorFault played on an account.",
        extensions=scoped(Scope.MANAGE_BROKERS),
    )
    async def clear_simulator_faults(
        self,
        info: Info,
        input: ClearSimulatorFaultsInput,  # noqa: A002
    ) -> ClearSimulatorFaultsPayload:
        """Ends the account's faults."""
        try:
            account_id = AccountId(parse_id(input.account_id, "accountId"))
            cleared = await clear_faults(info.context.desk, info.context.principal, account_id)
        except OmsError as error:
            return ClearSimulatorFaultsPayload(errors=user_errors(error))
        return ClearSimulatorFaultsPayload(cleared=cleared)


def _text(text: str | None, name: str) -> str | None:
    if text is not None and not 0 < len(text) <= TEXT_LENGTH_MAX:
        raise InputError(f"1 to {TEXT_LENGTH_MAX} characters.", path=(name,))
    return None if text is None else storable(text, name)


def _parameters(given: object) -> dict[str, object]:
    if given is None:
        return {}
    if not isinstance(given, dict) or len(given) > PARAMETERS_MAX:
        raise InputError(f"A JSON object of at most {PARAMETERS_MAX} parameters.", path=("parameters",))
    for name, value in given.items():
        storable(name, "parameters")
        for text in value if isinstance(value, list) else (value,):
            _bounded(text, name)
    return given


def _bounded(value: object, name: str) -> None:
    if isinstance(value, dict | list):
        raise InputError("A text, a number, a boolean, or a list of them.", path=("parameters", name))
    if isinstance(value, str):
        if len(value) > TEXT_LENGTH_MAX:
            raise InputError(f"At most {TEXT_LENGTH_MAX} characters.", path=("parameters", name))
        storable(value, "parameters", name)
