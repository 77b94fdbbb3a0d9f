"""What the room of tenants refuses."""

from app.core.errors import OmsError


class SlugExhaustedError(OmsError):
    """No free slug was found for a name within a few tries."""

    code = "TENANT_SLUG_TAKEN"
    is_retryable = True

    def __init__(self, slug: str) -> None:
        super().__init__(f"No free name near {slug} was found; try another.", path=["tenantName"])
