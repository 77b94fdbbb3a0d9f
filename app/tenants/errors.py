"""What the room of tenants refuses."""

from app.core.errors import OmsError


class TenantInactiveError(OmsError):
    """The tenant is deactivated already, or is not."""

    code = "TENANT_INACTIVE"

    def __init__(self, message: str) -> None:
        super().__init__(message)


class ConfirmationError(OmsError):
    """An act that ends something was not confirmed by the name of what it ends."""

    code = "CONFIRMATION_REQUIRED"

    def __init__(self, wanted: str) -> None:
        super().__init__(f"Confirm with {wanted}.", path=["confirm"])


class SlugExhaustedError(OmsError):
    """No free slug was found for a name within a few tries."""

    code = "TENANT_SLUG_TAKEN"
    is_retryable = True

    def __init__(self, slug: str) -> None:
        super().__init__(f"No free name near {slug} was found; try another.", path=["tenantName"])
