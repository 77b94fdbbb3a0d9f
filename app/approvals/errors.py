"""What can go wrong with policies of approval."""

from app.core.errors import OmsError


class ApprovalPolicyUnknownError(OmsError):
    """The tenant has no such policy; another tenant's is answered alike."""

    code = "APPROVAL_POLICY_NOT_FOUND"

    def __init__(self, *path: str) -> None:
        super().__init__("There is no such approval policy.", path=path)


class ApprovalPolicyMovedError(OmsError):
    """The policy is at another version than the one that was expected."""

    code = "APPROVAL_POLICY_VERSION_CONFLICT"

    def __init__(self, version: int, *path: str) -> None:
        super().__init__(f"The policy is at version {version}.", path=path, version=version)


class ApprovalPolicyInvalidError(OmsError):
    """A value of a policy cannot be taken; the path names it."""

    code = "APPROVAL_POLICY_INVALID"


class ApprovalPoliciesTooManyError(OmsError):
    """The tenant has as many policies as it may have."""

    code = "APPROVAL_POLICIES_TOO_MANY"

    def __init__(self, limit: int) -> None:
        super().__init__(f"A tenant has at most {limit} approval policies.", limit=limit)
