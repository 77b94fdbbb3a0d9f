"""The market as it stood when an order was decided on: what its execution is measured by."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.core.messages import Tick
from app.core.money import plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """The newest quote when an order was taken, however old: quoted_at tells. What was not known is None.

    volume is what was dealt of the instrument on that day until then, in units.
    """

    bid: Decimal | None
    ask: Decimal | None
    last: Decimal | None
    volume: Decimal | None = None
    quoted_at: datetime

    @property
    def mid(self) -> Decimal | None:
        """The middle of bid and ask; None unless both are known and do not cross."""
        if self.bid is None or self.ask is None or self.bid > self.ask:
            return None
        return (self.bid + self.ask) / 2


def arrival_of(quote: Tick | None) -> Arrival | None:
    """The arrival of an order that is taken on this quote; None without one, or without any price in it."""
    if quote is None or (quote.bid is None and quote.ask is None and quote.last is None):
        return None
    return Arrival(bid=quote.bid, ask=quote.ask, last=quote.last, volume=quote.volume, quoted_at=quote.time)


def arrival_document(arrival: Arrival) -> dict[str, Any]:
    """The arrival as it is stored and told; what is not known is left out."""
    known = {"bid": arrival.bid, "ask": arrival.ask, "last": arrival.last, "volume": arrival.volume}
    told = {name: plain(figure) for name, figure in known.items() if figure is not None}
    return {**told, "quotedAt": arrival.quoted_at.isoformat()}


def arrival_from_document(document: Mapping[str, Any]) -> Arrival:
    """The arrival of a stored document."""
    names = ("bid", "ask", "last", "volume")
    known = {name: Decimal(document[name]) if name in document else None for name in names}
    return Arrival(
        bid=known["bid"],
        ask=known["ask"],
        last=known["last"],
        volume=known["volume"],
        quoted_at=datetime.fromisoformat(document["quotedAt"]),
    )
