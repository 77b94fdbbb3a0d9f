"""The peaks of equity of the last days, as one process remembers them: a window is read whole once in a while."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from app.core.messages import AccountKey
from app.positions.exposure_batch import Peaks, PeakSpan

PEAKS_KEPT: Final = 4_096
KEPT_FOR: Final = timedelta(minutes=5)
"""How long a peak is remembered. For so long it may be one that has just left its window, and is too high."""
OVERLAP: Final = timedelta(minutes=5)
"""What was stored late is read again."""

_Place = tuple[AccountKey, int]
_Known = tuple[datetime, Decimal]


class RecentPeaks:
    """The highest equity of windows of days, read on from where it was read whole: each minute brings a snapshot."""

    def __init__(self) -> None:
        self._known: OrderedDict[_Place, _Known] = OrderedDict()

    def prepare(self, keys: Iterable[AccountKey], days: Iterable[int | None], now: datetime) -> "PeakReading":
        """From when on snapshots are to be read, for each account and window; None is the peak of all time."""
        held: dict[_Place, _Known] = {}
        spans: list[PeakSpan] = []
        windows = list(days)
        for key in keys:
            for one in windows:
                since = now if one is None else now - timedelta(days=one)
                known = None if one is None else self._known.get((key, one))
                if one is not None and known is not None and timedelta(0) <= now - known[0] <= KEPT_FOR:
                    held[key, one] = known
                    since = max(since, known[0] - OVERLAP)
                spans.append(PeakSpan(key=key, days=one, since=since))
        return PeakReading(spans=spans, now=now, _held=held, _known=self._known)


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakReading:
    """Peaks on their way: `spans` are what is to be read of them."""

    spans: Sequence[PeakSpan]
    now: datetime
    _held: Mapping[_Place, _Known]
    _known: OrderedDict[_Place, _Known]

    def take(self, found: Peaks) -> Peaks:
        """The peaks, what was read with what was remembered."""
        peaks: Peaks = {}
        for span in self.spans:
            peak, read_at = found.get(span.key, {}).get(span.days), self.now
            if span.days is not None and (span.key, span.days) in self._held:
                read_at, before = self._held[span.key, span.days]
                peak = before if peak is None else max(peak, before)
            if peak is None:
                continue
            peaks.setdefault(span.key, {})[span.days] = peak
            if span.days is not None:
                self._known[span.key, span.days] = (read_at, peak)
                self._known.move_to_end((span.key, span.days))
        while len(self._known) > PEAKS_KEPT:
            self._known.popitem(last=False)
        return peaks
