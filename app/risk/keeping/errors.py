"""What can go wrong with limits as people keep them."""

from collections.abc import Sequence

from app.core.errors import OmsError, Problem


class LimitUnknownError(OmsError):
    """The tenant has no such limit; another tenant's is answered alike."""

    code = "LIMIT_NOT_FOUND"

    def __init__(self, *path: str) -> None:
        super().__init__("There is no such limit.", path=path)


class LimitMovedError(OmsError):
    """The limit is at another version than the one that was expected."""

    code = "LIMIT_VERSION_CONFLICT"

    def __init__(self, version: int, *path: str) -> None:
        super().__init__(f"The limit is at version {version}.", path=path, version=version)


class LimitInvalidError(OmsError):
    """A value of a limit cannot be taken; the path names it, or `problems` tell all that is wrong, each by its code."""

    code = "LIMIT_INVALID"
    problems: tuple[Problem, ...] = ()

    @classmethod
    def of(cls, problems: Sequence[Problem]) -> "LimitInvalidError":
        """The error of some problems, one at least."""
        first = problems[0]
        error = cls(first.message, path=first.path)
        error.problems = tuple(problems)
        return error


class LimitTargetUnknownError(OmsError):
    """The account, strategy or instrument that the limit is to cover does not exist; another tenant's is told alike."""

    code = "LIMIT_TARGET_NOT_FOUND"

    def __init__(self, what: str, *path: str) -> None:
        super().__init__(f"There is no such {what}.", path=path)


class LimitsTooManyError(OmsError):
    """The tenant has as many limits, or as many proposals waiting, as it may have."""

    code = "LIMITS_TOO_MANY"

    def __init__(self, what: str, count_max: int) -> None:
        super().__init__(f"A tenant has at most {count_max} {what}.", limit=count_max)


class ProposalUnknownError(OmsError):
    """The tenant has no such proposal; another tenant's is answered alike."""

    code = "LIMIT_PROPOSAL_NOT_FOUND"

    def __init__(self, *path: str) -> None:
        super().__init__("There is no such proposal.", path=path)


class ProposalNotPendingError(OmsError):
    """The proposal was decided, taken back, overtaken by another change of the limit, or has run out."""

    code = "LIMIT_PROPOSAL_NOT_PENDING"

    def __init__(self, state: str, *path: str) -> None:
        super().__init__(f"The proposal is {state}.", path=path, state=state)


class ProposerDecidesError(OmsError):
    """Who proposed a change does not approve it, by whichever credential."""

    code = "LIMIT_PROPOSER_MAY_NOT_APPROVE"

    def __init__(self, *path: str) -> None:
        super().__init__("Another person than who proposed it has to approve this.", path=path)


class ApproverNotAPersonError(OmsError):
    """A person approves a change of a limit; a process of the house is none."""

    code = "LIMIT_APPROVER_NOT_A_PERSON"

    def __init__(self, *path: str) -> None:
        super().__init__("A person has to approve this.", path=path)


class TemplateUnknownError(OmsError):
    """There is no template of limits of this name."""

    code = "LIMIT_TEMPLATE_NOT_FOUND"

    def __init__(self, names: str, *path: str) -> None:
        super().__init__(f"There is no such template; there are {names}.", path=path)
