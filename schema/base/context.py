"""What the resolvers of one operation work with."""

from functools import cached_property
from typing import TypeAlias

import strawberry

from app.core.errors import ForbiddenError, OmsError, UnauthenticatedError
from app.core.gcra import Standing
from app.flows.desk import Desk
from app.identity.domain import Client, Principal, TokenPair
from schema.base.cookies import SessionCookies, tokens_kept
from schema.base.loaders import Loaders


class RequestContext:
    """The desk, who asks and from where, and the loaders of one operation, or of one event of a subscription."""

    def __init__(
        self,
        desk: Desk,
        client: Client,
        admitted: Principal | OmsError | None,
        cookies: SessionCookies | None = None,
    ) -> None:
        """`admitted` is who asks; None without a credential; an error for a credential that does not hold.

        `cookies` are those of a page that has its session in them, None for everyone else.
        """
        self.desk = desk
        self.client = client
        self.cost = 0
        """What the operation costs, by its document and the sizes of its pages."""
        self.standing: Standing | None = None
        """How the tightest rate limit of who asks stood when the operation was charged."""
        self._admitted = admitted
        self._cookies = cookies

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

    @property
    def is_of_platform(self) -> bool:
        """True for somebody who runs the platform and has entered the tenant: the tenant sees what they ask."""
        return isinstance(self._admitted, Principal) and self._admitted.entry_id is not None

    def check_credential(self) -> None:
        """Raises what the check of a credential raised; one that holds, and none at all, pass."""
        if isinstance(self._admitted, OmsError):
            raise self._admitted

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

    def hand_over(self, tokens: TokenPair) -> TokenPair:
        """The tokens of a new session as the answer shows them: to a page with cookies, which get them, blank."""
        if self._cookies is None:
            return tokens
        self._cookies.keep(tokens)
        return tokens_kept(tokens)

    def refresh_token(self, given: str) -> str:
        """The refresh token: as given, or that of the page's cookies when a blank one is given."""
        if given or self._cookies is None:
            return given
        return self._cookies.refresh or ""

    def take_back(self) -> None:
        """Takes the session out of the page's cookies; nothing for those who have none."""
        if self._cookies is not None:
            self._cookies.clear()


Info: TypeAlias = strawberry.Info[RequestContext, None]
