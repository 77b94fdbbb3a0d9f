"""What can go wrong with halts and kill switches."""

from app.core.errors import OmsError


class HaltUnknownError(OmsError):
    """The tenant has no such halt; another tenant's is answered alike."""

    code = "HALT_NOT_FOUND"

    def __init__(self, *path: str) -> None:
        super().__init__("There is no such halt.", path=path)


class HaltTargetUnknownError(OmsError):
    """The tenant has nothing of this id that could be halted, or the principal may not trade on it."""

    code = "HALT_TARGET_NOT_FOUND"

    def __init__(self, *path: str) -> None:
        super().__init__("There is nothing of this id to halt.", path=path)


class HaltInvalidError(OmsError):
    """A value of a halt cannot be taken; the path names it."""

    code = "HALT_INVALID"


class HaltOverError(OmsError):
    """The halt was released already."""

    code = "HALT_RESUMED"

    def __init__(self, *path: str) -> None:
        super().__init__("The halt was released already.", path=path)


class ReleaserIsHalterError(OmsError):
    """Who halted cannot release while the tenant has somebody else who could."""

    code = "RELEASER_IS_HALTER"

    def __init__(self, *path: str) -> None:
        super().__init__("Another person with MANAGE_RISK releases what you have halted.", path=path)


class ReleaserNotAPersonError(OmsError):
    """Only a person, or an API key of one, releases a halt."""

    code = "RELEASER_NOT_A_PERSON"

    def __init__(self, *path: str) -> None:
        super().__init__("Only a person releases a halt.", path=path)


class KillSwitchRunsError(OmsError):
    """The kill switch of the halt has accounts before it whose orders it has not asked to cancel yet."""

    code = "KILL_SWITCH_RUNS"
    is_retryable = True

    def __init__(self, *path: str) -> None:
        super().__init__("The kill switch has not reached all accounts yet; ask again.", path=path)


class KillSwitchUnknownError(OmsError):
    """The tenant has no such kill switch; another tenant's is answered alike."""

    code = "KILL_SWITCH_NOT_FOUND"

    def __init__(self, *path: str) -> None:
        super().__init__("There is no such kill switch.", path=path)
