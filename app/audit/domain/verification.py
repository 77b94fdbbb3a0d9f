"""A look at a chain: entry by entry, against the heads that were signed, and to its end."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from app.audit.domain.chain import Link, chain_hash
from app.audit.domain.heads import Head

BREAKS_MAX: Final = 100


class BreakKind(StrEnum):
    """How a chain is broken at a place."""

    MISSING = "MISSING"
    """The entry is not there."""
    ALTERED = "ALTERED"
    """The entry is not what was sealed at this place, or its hash is not."""
    REWRITTEN = "REWRITTEN"
    """Entries up to a signed head were sealed anew: the head has another hash."""
    CUT = "CUT"
    """The end of the chain is not there; where only a signed head tells, the break may begin before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """One break: somewhere from sequence to until, both included."""

    kind: BreakKind
    sequence: int
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a look found: how many entries were held against their hashes, and the breaks by their place."""

    entries: int
    breaks: tuple[Break, ...]

    @property
    def is_intact(self) -> bool:
        """True when nothing is broken."""
        return not self.breaks

    @property
    def first_broken_sequence(self) -> int | None:
        """Where the first break begins."""
        return min((one.sequence for one in self.breaks), default=None)


@dataclass(slots=True, kw_only=True)
class Verifier:
    """Takes the links of a chain in their order, and tells what is broken.

    sequence and hash are where the look begins: the last entry that is trusted, 0 and GENESIS before the first.
    heads are signed ones whose signatures hold, in order of their sequence.
    """

    sequence: int
    hash: bytes
    heads: Sequence[Head] = ()
    entries: int = 0
    breaks: list[Break] = field(default_factory=list)
    _next_head: int = 0
    _agreed: int = field(init=False)

    def __post_init__(self) -> None:
        self._agreed = self.sequence

    def feed(self, link: Link) -> None:
        """The next link that is stored."""
        entry = link.entry
        if entry.sequence > self.sequence + 1:
            self._broken(BreakKind.MISSING, self.sequence + 1, entry.sequence - 1)
            # The hash before this one is gone with its entry: this one cannot be held against anything.
        elif entry.sequence <= self.sequence or chain_hash(entry, self.hash) != link.hash:
            self._broken(BreakKind.ALTERED, entry.sequence, entry.sequence)
        self.entries += 1
        self._meet_heads(entry.sequence, link.hash)
        self.sequence, self.hash = entry.sequence, link.hash

    def end(self, expected: int) -> Verification:
        """The verdict; expected is the sequence that the chain, or the part that was looked at, ends with."""
        if self.sequence < expected:
            self._broken(BreakKind.CUT, self.sequence + 1, expected)
        elif any(head.sequence > self.sequence for head in self.heads[self._next_head :]):
            # What is left may have been sealed anew from behind the last head that it agrees with.
            self._broken(BreakKind.CUT, self._agreed + 1, self.heads[-1].sequence)
        return Verification(entries=self.entries, breaks=tuple(self.breaks))

    def _meet_heads(self, sequence: int, found: bytes) -> None:
        while self._next_head < len(self.heads) and self.heads[self._next_head].sequence <= sequence:
            head = self.heads[self._next_head]
            self._next_head += 1
            if head.sequence < sequence:
                continue
            # A break that is located already explains why the head has another hash.
            if head.hash != found and not any(one.until > self._agreed for one in self.breaks):
                self._broken(BreakKind.REWRITTEN, self._agreed + 1, sequence)
            self._agreed = sequence

    def _broken(self, kind: BreakKind, sequence: int, until: int) -> None:
        if len(self.breaks) < BREAKS_MAX:
            self.breaks.append(Break(kind=kind, sequence=sequence, until=until))
