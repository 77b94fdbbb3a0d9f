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


class NotPlatformError(ForbiddenError):
    """The operation is for administrators of the platform, and the credential is not a login of one."""

    def __init__(self) -> None:
        super().__init__("This is for administrators of the platform.")


class WholeTenantError(ForbiddenError):
    """The act concerns all accounts of the tenant, and the credential is restricted to some of them."""

    def __init__(self) -> None:
        super().__init__("This concerns all accounts of the tenant, and you are restricted to some of them.")


class AccessChangedError(OmsError):
    """The accounts that the credential is restricted to are others than when the subscription began."""

    code = "ACCESS_CHANGED"
    is_retryable = True

    def __init__(self) -> None:
        super().__init__("Your access to accounts has changed: subscribe again.")


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

    def __init__(self, message: str, field: str = "password") -> None:
        super().__init__(message, path=[field])


class ScopeBeyondOwnError(OmsError):
    """A key was asked for that may more than who asks."""

    code = "SCOPE_BEYOND_OWN"

    def __init__(self, scopes: list[str]) -> None:
        super().__init__(f"A key may not do more than its maker: {', '.join(scopes)}.", path=["scopes"], scopes=scopes)


class RoleBeyondOwnError(OmsError):
    """A role was to be given or made that may more than who gives it."""

    code = "SCOPE_BEYOND_OWN"

    def __init__(self, scopes: list[str], *path: str) -> None:
        super().__init__(f"You cannot give what you do not have: {', '.join(scopes)}.", path=path, scopes=scopes)


class MemberBeyondOwnError(OmsError):
    """The member may more than who wants to change them."""

    code = "MEMBER_BEYOND_OWN"

    def __init__(self) -> None:
        super().__init__("This member may more than you: somebody with as much power changes them.", path=["memberId"])


class OwnMembershipError(OmsError):
    """Nobody changes what they are themselves."""

    code = "MEMBER_SELF"

    def __init__(self) -> None:
        super().__init__("Another administrator changes your own membership.", path=["memberId"])


class LastAdministratorError(OmsError):
    """The tenant would be left without an administrator."""

    code = "LAST_ADMINISTRATOR"

    def __init__(self) -> None:
        super().__init__("The tenant needs an administrator: make another member one first.", path=["memberId"])


class MemberExistsError(OmsError):
    """The person of the address is a member already."""

    code = "MEMBER_EXISTS"

    def __init__(self) -> None:
        super().__init__("A member has this e-mail address.", path=["email"])


class RoleInUseError(OmsError):
    """Members or open invitations have the role."""

    code = "ROLE_IN_USE"

    def __init__(self, members: int, invitations: int) -> None:
        super().__init__(
            f"The role is that of {members} members and {invitations} open invitations: give them another first.",
            path=["roleId"],
            members=members,
            invitations=invitations,
        )


class RoleLimitError(OmsError):
    """The tenant has as many roles of its own as it may have."""

    code = "ROLE_LIMIT"

    def __init__(self, limit: int) -> None:
        super().__init__(f"At most {limit} roles of your own; delete one first.", limit=limit)


class InvitationExistsError(OmsError):
    """An open invitation goes to the address already."""

    code = "INVITATION_EXISTS"

    def __init__(self) -> None:
        super().__init__("An open invitation goes to this address: resend or revoke it.", path=["email"])


class InvitationLimitError(OmsError):
    """The tenant has as many open invitations, or this one was sent as often, as may be."""

    code = "INVITATION_LIMIT"

    def __init__(self, message: str, *path: str) -> None:
        super().__init__(message, path=path)


class InvitationRefusedError(OmsError):
    """A token that does not hold: unknown, malformed, used, revoked, run out, of a closed tenant; told alike."""

    code = "INVITATION_INVALID"

    def __init__(self) -> None:
        super().__init__("The invitation does not hold: ask for another one.", path=["token"])


class InvitedPasswordError(OmsError):
    """The invited address has an account, and the password is not its own."""

    code = "INVITATION_PASSWORD"

    def __init__(self) -> None:
        super().__init__("You have an account: give its password.", path=["password"])


class EmailDomainError(OmsError):
    """The tenant's settings do not allow addresses of this domain."""

    code = "EMAIL_DOMAIN_REFUSED"

    def __init__(self, *path: str) -> None:
        super().__init__("The tenant does not take addresses of this domain.", path=path or ("email",))


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
