"""What the second factor refuses."""

from app.core.errors import ForbiddenError, OmsError, UnauthenticatedError


class ChallengeRefusedError(UnauthenticatedError):
    """A challenge that does not hold: unknown, forged, answered, expired, or dead after five wrong codes."""

    def __init__(self) -> None:
        super().__init__("The challenge does not hold; sign in again.")


class CodeRefusedError(OmsError):
    """The code is wrong, too old, or was used before: told alike."""

    code = "TWO_FACTOR_CODE_WRONG"

    def __init__(self) -> None:
        super().__init__("The code is wrong or was used before.", path=["code"])


class PasswordRefusedError(OmsError):
    """The password of who is signed in already is wrong."""

    code = "PASSWORD_WRONG"

    def __init__(self) -> None:
        super().__init__("The password is wrong.", path=["password"])


class ProofMissingError(OmsError):
    """stepUp or platformLogin lacks the proof: the code where there is a second factor, else the password."""

    code = "STEP_UP_PROOF_MISSING"

    def __init__(self, *, has_second_factor: bool) -> None:
        field = "code" if has_second_factor else "password"
        super().__init__(f"This needs the {field}.", path=[field])


class StepUpRequiredError(ForbiddenError):
    """The operation asks for a second factor, or the password where there is none, within the last ten minutes.

    facts: `proof` is CODE or PASSWORD, what stepUp takes; absent for an API key, which cannot step up.
    """

    code = "STEP_UP_REQUIRED"

    def __init__(self, proof: str | None) -> None:
        if proof is None:
            super().__init__("An API key may not do this: sign in.")
        else:
            super().__init__(f"Confirm that it is you: stepUp with your {proof.lower()}.", proof=proof)


class EnrolmentRequiredError(ForbiddenError):
    """The tenant demands a second factor of every member, and this person has none: all they may do is enrol."""

    code = "TWO_FACTOR_ENROLMENT_REQUIRED"

    def __init__(self) -> None:
        super().__init__("This firm demands a second factor: set one up with beginTwoFactor and confirmTwoFactor.")


class AlreadyEnabledError(OmsError):
    """The person has a second factor; it is disabled before another is set up."""

    code = "TWO_FACTOR_ENABLED_ALREADY"

    def __init__(self) -> None:
        super().__init__("A second factor is set up already; disable it first.")


class NotBegunError(OmsError):
    """There is no enrolment to confirm: none was begun, or it is more than fifteen minutes old."""

    code = "TWO_FACTOR_NOT_BEGUN"

    def __init__(self) -> None:
        super().__init__("Begin with beginTwoFactor; what it answers can be confirmed for fifteen minutes.")


class NotEnabledError(OmsError):
    """The person has no second factor."""

    code = "TWO_FACTOR_NOT_ENABLED"

    def __init__(self) -> None:
        super().__init__("No second factor is set up.")
