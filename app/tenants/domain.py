"""What a tenant is, and how its slug comes from its name."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.core.ids import TenantId

SLUG_LENGTH_MAX: Final = 48
REQUIRE_TWO_FACTOR: Final = "require_two_factor"
_NO_SLUG = re.compile(r"[^a-z0-9]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A firm."""

    id: TenantId
    name: str
    slug: str
    domain: str | None
    settings: Mapping[str, Any]
    is_active: bool
    created_at: datetime
    deactivated_at: datetime | None = None
    deactivated_by: str | None = None
    deactivation_reason: str | None = None

    def as_facts(self) -> dict[str, Any]:
        """What the audit log keeps of it."""
        return {"name": self.name, "domain": self.domain, "settings": dict(self.settings)}

    @property
    def requires_two_factor(self) -> bool:
        """True when each member needs a second factor to do more than set one up."""
        return self.settings.get(REQUIRE_TWO_FACTOR) is True


def slug_of(name: str) -> str:
    """The name in lower-case ASCII letters, digits and single dashes, at most 48 characters, such as "acme-capital".

    A name without any of them is "tenant".
    """
    ascii_only = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return _NO_SLUG.sub("-", ascii_only).strip("-")[:SLUG_LENGTH_MAX].strip("-") or "tenant"
