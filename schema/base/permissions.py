"""Every operation names what it asks of the credential: nothing, to be signed in, or a scope; and to step up."""

from collections.abc import Iterable
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, Final

from strawberry.extensions import FieldExtension
from strawberry.types import get_object_definition

from app.flows.identity.door import Door
from app.identity.domain import Principal, Scope
from app.identity.two_factor.errors import EnrolmentRequiredError

# What an operation costs before what it tells is counted: a mutation writes, a subscription stays.
KIND_COST: Final = {"Query": 1, "Mutation": 10, "Subscription": 10}
WAY_IN_COST: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """What an operation asks of the credential. A scope implies being signed in.

    step_up asks for a second factor, or the password where there is none, within ten minutes: what a stolen session
    must not do. API keys do not pass that, but where passes_keys says so. serves_enrolment is for what a person may do
    who has yet to set up the second factor that the tenant demands.
    """

    scope: Scope | None = None
    needs_principal: bool = True
    step_up: bool = False
    passes_keys: bool = False
    serves_enrolment: bool = False
    is_platform: bool = False
    cost: int | None = None
    """What the operation costs by itself, without what it tells; None for what its kind costs."""

    def check(self, principal: Principal) -> None:
        """Raises MissingScopeError, NotPlatformError (FORBIDDEN) when the principal lacks what is asked, and
        EnrolmentRequiredError.
        """
        if self.is_platform:
            principal.require_platform()
        if principal.must_enrol and not self.serves_enrolment:
            raise EnrolmentRequiredError
        if self.scope is not None:
            principal.require(self.scope)

    async def check_step_up(self, door: Door, principal: Principal) -> None:
        """Raises StepUpRequiredError."""
        if self.step_up and not (self.passes_keys and principal.api_key_id is not None):
            await door.authenticator.require_step_up(principal, door.two_factor)


class Requires(FieldExtension):
    """Holds the requirement of a field against the credential before its resolver runs."""

    def __init__(self, requirement: Requirement) -> None:
        self.requirement = requirement

    def resolve(self, next_: Any, source: Any, info: Any, **kwargs: Any) -> Any:
        """Checks, then resolves."""
        assert not self.requirement.step_up, "what asks for a step-up is asynchronous"
        self._check(info.context)
        return next_(source, info, **kwargs)

    async def resolve_async(self, next_: Any, source: Any, info: Any, **kwargs: Any) -> Any:
        """Checks, then resolves; what a subscription resolves to is a stream, not an awaitable."""
        self._check(info.context)
        if self.requirement.step_up:
            await self.requirement.check_step_up(info.context.desk.door, info.context.principal)
        result = next_(source, info, **kwargs)
        return await result if isawaitable(result) else result

    def _check(self, context: Any) -> None:
        if self.requirement.needs_principal:
            self.requirement.check(context.principal)


class OperationWithoutScopeError(TypeError):
    """A field of a root type does not say what it asks of the credential: a programmer's error, met at import."""


def scoped(
    scope: Scope, *, step_up: bool = False, passes_keys: bool = False, cost: int | None = None
) -> list[FieldExtension]:
    """The field asks for the scope, and with step_up for a recent proof of the person; passes_keys as Requirement."""
    return [Requires(Requirement(scope=scope, step_up=step_up, passes_keys=passes_keys, cost=cost))]


def signed_in(
    *, step_up: bool = False, passes_keys: bool = False, serves_enrolment: bool = False, cost: int | None = None
) -> list[FieldExtension]:
    """The field asks for a credential that holds, whatever its scopes; the rest is as Requirement says."""
    asked = Requirement(step_up=step_up, passes_keys=passes_keys, serves_enrolment=serves_enrolment, cost=cost)
    return [Requires(asked)]


def for_platform() -> list[FieldExtension]:
    """The field asks for the login of an administrator of the platform, whom no scope of a tenant makes."""
    return [Requires(Requirement(is_platform=True))]


def public(*, cost: int = WAY_IN_COST) -> list[FieldExtension]:
    """The field asks for nothing: it is a way in, which costs as much as a password takes to check."""
    return [Requires(Requirement(needs_principal=False, cost=cost))]


def cost_of(kind: str, requirement: Requirement) -> int:
    """What a field of the root type (Query, Mutation, Subscription) costs by itself."""
    return KIND_COST[kind] if requirement.cost is None else requirement.cost


def describe(root_types: Iterable[type]) -> None:
    """Ends the description of each field of the root types with its step-up, its scope and its cost, for readers.

    Raises OperationWithoutScopeError for a field that does not say what it asks.
    """
    listed = list(root_types)
    asked = requirements(listed)
    for root_type in listed:
        definition = get_object_definition(root_type, strict=True)
        for field in definition.fields:
            requirement = asked[definition.name, field.python_name]
            cost = cost_of(definition.name, requirement)
            said = (field.description or "").strip()
            told = f"{_step_up_words(requirement)}Scope: {_scope_words(requirement)}. Cost: {cost}."
            if not said.endswith(told):
                field.description = f"{said} {told}".strip()


def _scope_words(requirement: Requirement) -> str:
    if requirement.scope is not None:
        return requirement.scope.value
    if requirement.is_platform:
        return "the platform's"
    return "any credential" if requirement.needs_principal else "none"


def _step_up_words(requirement: Requirement) -> str:
    if not requirement.step_up:
        return ""
    keys = "but from API keys" if requirement.passes_keys else "which API keys cannot give"
    return f"Step-up: asked for (see stepUp), {keys}. "


def requirements(root_types: Iterable[type]) -> dict[tuple[str, str], Requirement]:
    """What each field of the root types asks, by type and name in Python.

    Raises OperationWithoutScopeError naming the fields that do not say.
    """
    found: dict[tuple[str, str], Requirement] = {}
    silent: list[str] = []
    for root_type in root_types:
        definition = get_object_definition(root_type, strict=True)
        for field in definition.fields:
            asked = [one.requirement for one in field.extensions if isinstance(one, Requires)]
            if len(asked) == 1:
                found[definition.name, field.python_name] = asked[0]
            else:
                silent.append(f"{definition.name}.{field.python_name}")
    if silent:
        raise OperationWithoutScopeError(f"these operations must name exactly one requirement: {', '.join(silent)}")
    return found
