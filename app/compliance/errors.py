"""What compliance refuses, and what can go wrong with its lists, calendars and cases: a stable code each."""

from enum import StrEnum

from app.core.errors import NotFoundError, OmsError


class ComplianceProblem(StrEnum):
    """Codes with which compliance refuses an order."""

    COMPLIANCE_RESTRICTED = "COMPLIANCE_RESTRICTED"
    COMPLIANCE_NO_ADDING = "COMPLIANCE_NO_ADDING"
    COMPLIANCE_REFUSED = "COMPLIANCE_REFUSED"


COMPLIANCE_MEANING: dict[ComplianceProblem, str] = {
    ComplianceProblem.COMPLIANCE_RESTRICTED: "the instrument is restricted",
    ComplianceProblem.COMPLIANCE_NO_ADDING: "the instrument is restricted: a position in it may only be made smaller",
    ComplianceProblem.COMPLIANCE_REFUSED: "compliance does not let the order pass",
}
"""What each code says."""


class RestrictedListUnknownError(OmsError):
    """The tenant has no such restricted list; another tenant's is answered alike."""

    code = "RESTRICTED_LIST_NOT_FOUND"

    def __init__(self, *path: str) -> None:
        super().__init__("There is no such restricted list.", path=path)


class RestrictedListMovedError(OmsError):
    """The restricted list is at another version than the one that was expected."""

    code = "RESTRICTED_LIST_VERSION_CONFLICT"

    def __init__(self, version: int, *path: str) -> None:
        super().__init__(f"The list is at version {version}.", path=path, version=version)


class RestrictedListInvalidError(OmsError):
    """A value of a restricted list or of an entry cannot be taken; the path names it."""

    code = "RESTRICTED_LIST_INVALID"


class RestrictedListFullError(OmsError):
    """The tenant has as many restricted lists, or a list as many entries, as it may have."""

    code = "RESTRICTED_LIST_FULL"


class CalendarInvalidError(OmsError):
    """A day of a calendar cannot be what it is said to be; the path names what is wrong."""

    code = "CALENDAR_INVALID"


class CalendarFullError(OmsError):
    """The tenant overrides as many days as it may."""

    code = "CALENDAR_FULL"


class CaseUnknownError(OmsError):
    """The tenant has no such case; another tenant's is answered alike."""

    code = "SURVEILLANCE_CASE_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("There is no such case.", path=["caseId"])


class CaseMovedError(OmsError):
    """The case is at another version than the one that was expected."""

    code = "SURVEILLANCE_CASE_VERSION_CONFLICT"

    def __init__(self, version: int) -> None:
        super().__init__(f"The case is at version {version}.", path=["expectedVersion"], version=version)


class CaseInvalidError(OmsError):
    """What is asked of a case cannot be done with it; the path names what is wrong."""

    code = "SURVEILLANCE_CASE_INVALID"


class CaseOfOwnError(OmsError):
    """Nobody closes a case about orders of their own."""

    code = "SURVEILLANCE_CASE_OF_OWN"

    def __init__(self) -> None:
        super().__init__("The case is about your own orders: another person closes it.", path=["caseId"])


class RecordExportUnknownError(NotFoundError):
    """The tenant has no such export of order records, or no more; another tenant's is answered alike."""

    code = "ORDER_RECORD_EXPORT_NOT_FOUND"

    def __init__(self, *path: str) -> None:
        super().__init__("There is no such export.", path=path)


class RecordExportUnfinishedError(OmsError):
    """The export has no file: it waits, runs, or has failed."""

    code = "ORDER_RECORD_EXPORT_UNFINISHED"

    def __init__(self, state: str) -> None:
        super().__init__(f"The export has no file: it is {state}.", state=state)


class RecordExportsFullError(OmsError):
    """As many exports of order records wait, or are kept, as a tenant may have at once; facts: `limit`."""

    code = "ORDER_RECORD_EXPORTS_FULL"

    def __init__(self, message: str, limit: int) -> None:
        super().__init__(message, limit=limit)
