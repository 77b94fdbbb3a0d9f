"""What a check finds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A promise that was not kept, and where."""

    promise: str
    kind: str
    what: str
