"""What a look back at risk refuses."""

from app.core.errors import OmsError


class RiskHistoryRangeError(OmsError):
    """The range of a history is empty, too long, or cut into too many points; the path names the argument."""

    code = "RISK_HISTORY_RANGE_INVALID"
