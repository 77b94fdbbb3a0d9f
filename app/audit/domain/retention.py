"""How long a tenant keeps its audit log."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.core.errors import InputError
from app.core.ids import TenantId

KEEP_DAYS_MIN: Final = 1_827
"""Five years with their leap days. Source: MiFID II, Directive 2014/65/EU, article 16(7). The database itself refuses
to delete what is younger."""
KEEP_DAYS_MAX: Final = 36_525


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """A tenant's rule. keep_days None: nothing is ever pruned, as without a rule."""

    tenant_id: TenantId
    keep_days: int | None
    set_by: str
    set_at: datetime

    def cutoff(self, now: datetime) -> datetime | None:
        """Entries before this instant may go; None when none may."""
        return None if self.keep_days is None else now - timedelta(days=self.keep_days)


def checked_keep_days(keep_days: int | None) -> int | None:
    """The days, when a rule may say so. Raises InputError with the path."""
    if keep_days is not None and not KEEP_DAYS_MIN <= keep_days <= KEEP_DAYS_MAX:
        raise InputError(
            f"This lies between {KEEP_DAYS_MIN} and {KEEP_DAYS_MAX}; null keeps everything.", path=["keepDays"]
        )
    return keep_days
