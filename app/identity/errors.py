"""What identity refuses."""

from app.core.errors import ForbiddenError, InputError, OmsError, UnauthenticatedError


class LoginRefusedError(UnauthenticatedError):
    """The address and the password do not fit, or the person has no active membership to enter: told alike."""

    def __init__(self) -> None:
        super().__init__("The e-mail address or the password is wrong.")


class CredentialRefusedError(UnauthenticatedError):
    """A bearer token that does not hold: unknown, malformed, forged, expired or revoked, told alike."""

    def __init__(self) -> None:
        super().__init__("The credential does not hold.")


class RefreshRefusedError(UnauthenticatedError):
    """A refresh token that does not hold; when it had been used before, its session is revoked now."""

    def __init__(self) -> None:
        super().__init__("The refresh token does not hold.")


class AddressRefusedError(ForbiddenError):
    """The API key is not to be used from this address; principal is whom it would have stood for."""

    def __init__(self, principal: object) -> None:
        super().__init__("The API key may not be used from this address.")
        self.principal = principal


class MissingScopeError(ForbiddenError):
    """The credential lacks a scope; facts carry which."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"This needs the scope {scope}.", scope=scope)


class EmailTakenError(OmsError):
    """A person with this e-mail address is registered already."""

    code = "EMAIL_TAKEN"

    def __init__(self) -> None:
        super().__init__("This e-mail address is registered already.", path=["email"])


class TenantChoiceError(OmsError):
    """The person belongs to several tenants and named none; facts carry their slugs."""

    code = "TENANT_CHOICE_REQUIRED"

    def __init__(self, slugs: list[str]) -> None:
        super().__init__(f"Name the tenant to enter, one of: {', '.join(slugs)}.", path=["tenantSlug"], slugs=slugs)


class WeakPasswordError(InputError):
    """A password that is too short, too long or too easily guessed."""

    code = "PASSWORD_WEAK"

    def __init__(self, message: str) -> None:
        super().__init__(message, path=["password"])


class ScopeBeyondOwnError(OmsError):
    """A key was asked for that may more than who asks."""

    code = "SCOPE_BEYOND_OWN"

    def __init__(self, scopes: list[str]) -> None:
        super().__init__(f"A key may not do more than its maker: {', '.join(scopes)}.", path=["scopes"], scopes=scopes)


class ApiKeyInactiveError(OmsError):
    """The key is revoked or past its end already."""

    code = "API_KEY_INACTIVE"

    def __init__(self) -> None:
        super().__init__("This API key is revoked or has expired.", path=["apiKeyId"])


class ApiKeyLimitError(OmsError):
    """The member has as many live keys as a member may have."""

    code = "API_KEY_LIMIT"

    def __init__(self, limit: int) -> None:
        super().__init__(f"At most {limit} keys; revoke one first.", limit=limit)


class NotASessionError(OmsError):
    """The credential is an API key: it has no session to act on."""

    code = "NOT_A_SESSION"

    def __init__(self, message: str) -> None:
        super().__init__(message)
