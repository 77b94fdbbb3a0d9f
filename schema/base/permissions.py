"""Every operation names what it asks of the credential: nothing, to be signed in, or a scope."""

from collections.abc import Iterable
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any

from strawberry.extensions import FieldExtension
from strawberry.types import get_object_definition

from app.identity.domain import Principal, Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """What an operation asks of the credential. A scope implies being signed in."""

    scope: Scope | None = None
    needs_principal: bool = True
    is_platform: bool = False

    def check(self, principal: Principal) -> None:
        """Raises MissingScopeError, NotPlatformError (FORBIDDEN) when the principal lacks what is asked."""
        if self.is_platform:
            principal.require_platform()
        if self.scope is not None:
            principal.require(self.scope)


class Requires(FieldExtension):
    """Holds the requirement of a field against the credential before its resolver runs."""

    def __init__(self, requirement: Requirement) -> None:
        self.requirement = requirement

    def resolve(self, next_: Any, source: Any, info: Any, **kwargs: Any) -> Any:
        """Checks, then resolves."""
        self._check(info.context)
        return next_(source, info, **kwargs)

    async def resolve_async(self, next_: Any, source: Any, info: Any, **kwargs: Any) -> Any:
        """Checks, then resolves; what a subscription resolves to is a stream, not an awaitable."""
        self._check(info.context)
        result = next_(source, info, **kwargs)
        return await result if isawaitable(result) else result

    def _check(self, context: Any) -> None:
        if self.requirement.needs_principal:
            self.requirement.check(context.principal)


class OperationWithoutScopeError(TypeError):
    """A field of a root type does not say what it asks of the credential: a programmer's error, met at import."""


def scoped(scope: Scope) -> list[FieldExtension]:
    """The field asks for the scope."""
    return [Requires(Requirement(scope=scope))]


def signed_in() -> list[FieldExtension]:
    """The field asks for a credential that holds, whatever its scopes."""
    return [Requires(Requirement())]


def for_platform() -> list[FieldExtension]:
    """The field asks for the login of an administrator of the platform, whom no scope of a tenant makes."""
    return [Requires(Requirement(is_platform=True))]


def public() -> list[FieldExtension]:
    """The field asks for nothing: it is a way in."""
    return [Requires(Requirement(needs_principal=False))]


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
