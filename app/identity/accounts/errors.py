"""What is refused of changes to an account."""

from app.core.errors import OmsError, UnauthenticatedError


class TooManyAttemptsError(UnauthenticatedError):
    """Too many tries failed; facts carry retryAfter, in seconds. It is told before the password is looked at."""

    code = "TOO_MANY_ATTEMPTS"
    is_retryable = True

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"Too many tries: wait {retry_after_s} seconds.", retryAfter=retry_after_s)


class RegistrationClosedError(OmsError):
    """The operator has closed registration: people come by invitation."""

    code = "REGISTRATION_CLOSED"

    def __init__(self) -> None:
        super().__init__("Registration is closed here; ask for an invitation.")


class MailTokenError(OmsError):
    """A token from a mail that does not hold: unknown, used or too old, told alike."""

    code = "TOKEN_REFUSED"

    def __init__(self) -> None:
        super().__init__("This link does not hold: it was used before, or is too old.", path=["token"])


class PasswordRequiredError(OmsError):
    """The link needs the password beside it that was chosen at the registration."""

    code = "PASSWORD_REQUIRED"

    def __init__(self) -> None:
        super().__init__("Enter the password that you chose when you registered.", path=["password"])


class PasswordWrongError(OmsError):
    """The present password, asked for again before a change, is another one."""

    code = "PASSWORD_WRONG"

    def __init__(self, field: str) -> None:
        super().__init__("This is not your password.", path=[field])


class PasswordReusedError(OmsError):
    """The new password is one of the last that the person has had."""

    code = "PASSWORD_REUSED"

    def __init__(self, remembered: int, field: str) -> None:
        super().__init__(f"Choose another one than your last {remembered}.", path=[field])
