"""How long a tenant keeps what compliance has written down: alerts of restricted names, and closed cases."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.core.errors import InputError

KEEP_DAYS_MIN: Final = 1_827
"""Five years with their leap days. Source: MiFID II, Directive 2014/65/EU, article 16(7). The database itself refuses
to delete what is younger."""
KEEP_DAYS_DEFAULT: Final = 2_557
"""Seven years with their leap days: the most that an authority may ask for by the same article, and more than the six
years of SEC Rule 17a-4(a), 17 CFR 240.17a-4."""
KEEP_DAYS_MAX: Final = 36_525


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRetention:
    """A tenant's rule, in days. set_by and set_at are None as long as none was ever set."""

    alert_days: int = KEEP_DAYS_DEFAULT
    case_days: int = KEEP_DAYS_DEFAULT
    set_by: str | None = None
    set_at: datetime | None = None

    def alerts_before(self, now: datetime) -> datetime:
        """Alerts from before this instant may go."""
        return now - timedelta(days=self.alert_days)

    def cases_before(self, now: datetime) -> datetime:
        """Cases that were closed before this instant, with no note since, may go."""
        return now - timedelta(days=self.case_days)


def checked_days(days: int, path: str) -> int:
    """The days, when a rule may say so. Raises InputError with the path."""
    if not KEEP_DAYS_MIN <= days <= KEEP_DAYS_MAX:
        raise InputError(f"This lies between {KEEP_DAYS_MIN} and {KEEP_DAYS_MAX}.", path=[path])
    return days
