"""What the resolvers of one operation work with."""

from functools import cached_property
from typing import TypeAlias

import strawberry

from app.core.errors import ForbiddenError, OmsError, UnauthenticatedError
from app.flows.desk import Desk
from app.identity.domain import Client, Principal
from schema.base.loaders import Loaders


class RequestContext:
    """The desk, who asks and from where, and the loaders of one operation, or of one event of a subscription."""

    def __init__(self, desk: Desk, client: Client, admitted: Principal | OmsError | None) -> None:
        """`admitted` is who asks; None without a credential; an error for a credential that does not hold."""
        self.desk = desk
        self.client = client
        self._admitted = admitted

    @property
    def principal(self) -> Principal:
        """Who asks. Raises UnauthenticatedError without a credential, or what its check raised."""
        if isinstance(self._admitted, Principal):
            return self._admitted
        if self._admitted is not None:
            raise self._admitted
        raise UnauthenticatedError("This needs a credential: Authorization: Bearer …")

    @property
    def is_signed_in(self) -> bool:
        """True when a credential was given that holds."""
        return isinstance(self._admitted, Principal)

    def note_refusal(self, operation: str, error: ForbiddenError) -> None:
        """Lets the audit log know that the credential was not enough for the operation."""
        principal = self._admitted if isinstance(self._admitted, Principal) else getattr(error, "principal", None)
        if isinstance(principal, Principal):
            self.desk.door.refusals.note(principal, operation, error.code, **error.facts)

    @cached_property
    def loaders(self) -> Loaders:
        """Loads by id, batched, each id once in an operation."""
        return Loaders(self.desk, self.principal)

    def anew(self, principal: Principal) -> "RequestContext":
        """The context of the next event of a subscription: nothing that was loaded before is reused."""
        return RequestContext(self.desk, self.client, principal)


Info: TypeAlias = strawberry.Info[RequestContext, None]
