"""Documents ready to run, kept by their text so that nobody's flood pushes out what others ask for."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final

from graphql import DocumentNode

from schema.base.compiled import CompiledOperation
from schema.base.cost import CostPlan
from schema.base.sharing import Answer

KEPT_MAX: Final = 1_000
KEPT_BYTES_MAX: Final = 64 * 1024 * 1024
TRIAL_MAX: Final = 500
TRIAL_BYTES_MAX: Final = 16 * 1024 * 1024
# Asked for twice by somebody whose credential holds.
USES_TO_KEEP: Final = 2
# Measured: what a parsed document keeps for each of its tokens, itself and the nodes made of it.
TOKEN_BYTES: Final = 420
CHARACTER_BYTES: Final = 4
# Measured: what a compiled operation keeps for each of its fields.
COMPILED_FIELD_BYTES: Final = 1_500


@dataclass(slots=True, kw_only=True, eq=False)
class Prepared:
    """A document ready to run, or what is wrong with it."""

    text: str
    document: DocumentNode | None
    is_introspecting: bool = False
    errors: tuple[Answer, ...] = ()
    size: int = 0
    """Bytes that it keeps, without its text; it grows when its operations are compiled."""
    compiled: dict[str | None, CompiledOperation | None] = field(default_factory=dict)
    """Its operations that were compiled, by name; None for one that only the executor can run."""
    runs: dict[str | None, int] = field(default_factory=dict)
    """How often each of its operations was run before it was compiled."""
    costs: dict[str | None, CostPlan] = field(default_factory=dict)
    """What each of its operations costs."""
    uses: int = 0
    """How often somebody who was signed in has run it, as far as that is counted."""
    shelf: "_Shelf | None" = None
    """Where it is kept; None while it is on trial, or listed."""
    is_listed: bool = False

    @property
    def weight(self) -> int:
        """Bytes that it keeps."""
        return CHARACTER_BYTES * len(self.text) + self.size


class _Shelf:
    """Documents in the order of their use, the oldest first, and their bytes."""

    def __init__(self, holder: Hashable = None) -> None:
        self.holder = holder
        self.documents: OrderedDict[str, Prepared] = OrderedDict()
        self.weight = 0

    def put(self, prepared: Prepared) -> None:
        self.documents[prepared.text] = prepared
        self.weight += prepared.weight

    def take(self, prepared: Prepared) -> None:
        del self.documents[prepared.text]
        self.weight -= prepared.weight

    def take_oldest(self) -> Prepared:
        prepared = next(iter(self.documents.values()))
        self.take(prepared)
        return prepared


class DocumentCache:
    """Three places: those that are listed stay; those that somebody signed in has asked for twice are kept, on a shelf
    of the tenant; all else is on trial, where the oldest goes first.

    When the shelves are full, the fullest of them loses its oldest: a tenant that floods pushes out its own.
    """

    def __init__(
        self,
        *,
        kept_max: int = KEPT_MAX,
        kept_bytes_max: int = KEPT_BYTES_MAX,
        trial_max: int = TRIAL_MAX,
        trial_bytes_max: int = TRIAL_BYTES_MAX,
    ) -> None:
        self._kept_max = kept_max
        self._kept_bytes_max = kept_bytes_max
        self._trial_max = trial_max
        self._trial_bytes_max = trial_bytes_max
        self._listed: dict[str, Prepared] = {}
        self._kept: dict[str, Prepared] = {}
        self._shelves: dict[Hashable, _Shelf] = {}
        self._trial = _Shelf()
        self._kept_weight = 0

    def find(self, text: str) -> Prepared | None:
        """The document of the text, None for one that is not here."""
        known = self._kept.get(text)
        if known is not None:
            assert known.shelf is not None, "what is kept has a shelf"
            known.shelf.documents.move_to_end(text)
            return known
        known = self._listed.get(text)
        if known is not None:
            return known
        known = self._trial.documents.get(text)
        if known is not None:
            self._trial.documents.move_to_end(text)
        return known

    def list(self, prepared: Prepared) -> None:
        """Holds the document as long as the process lives."""
        prepared.is_listed = True
        self._listed[prepared.text] = prepared

    def try_out(self, prepared: Prepared) -> None:
        """Holds the document until others come."""
        self._trial.put(prepared)
        self._shorten_trial()

    def use(self, prepared: Prepared, holder: Hashable) -> None:
        """Somebody of the holder's, signed in, runs the document: the second time it is kept."""
        if prepared.is_listed or prepared.shelf is not None:
            return
        prepared.uses += 1
        if prepared.uses < USES_TO_KEEP or prepared.text not in self._trial.documents:
            return
        self._trial.take(prepared)
        shelf = prepared.shelf = self._shelves.setdefault(holder, _Shelf(holder))
        shelf.put(prepared)
        self._kept[prepared.text] = prepared
        self._kept_weight += prepared.weight
        self._shorten_kept()

    def grow(self, prepared: Prepared, size: int) -> None:
        """Counts so many bytes more for the document."""
        prepared.size += size
        if prepared.shelf is not None:
            prepared.shelf.weight += size
            self._kept_weight += size
            self._shorten_kept()
        elif self._trial.documents.get(prepared.text) is prepared:
            self._trial.weight += size
            self._shorten_trial()

    def _shorten_trial(self) -> None:
        trial = self._trial
        while len(trial.documents) > self._trial_max or (
            trial.weight > self._trial_bytes_max and len(trial.documents) > 1
        ):
            trial.take_oldest()

    def _shorten_kept(self) -> None:
        while len(self._kept) > self._kept_max or self._kept_weight > self._kept_bytes_max:
            fullest = max(self._shelves.values(), key=lambda shelf: (shelf.weight, len(shelf.documents)))
            gone = fullest.take_oldest()
            gone.shelf = None
            gone.uses = 0
            self._kept_weight -= gone.weight
            del self._kept[gone.text]
            if not fullest.documents:
                del self._shelves[fullest.holder]
