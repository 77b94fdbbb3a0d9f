"""The market at the arrival of an order, as clients see it."""

from datetime import datetime
from decimal import Decimal

import strawberry

from app.core import arrival


@strawberry.type(description="The newest quote when the order was taken: what its execution is measured by.")
class ArrivalPrice:
    """The market at arrival."""

    bid: Decimal | None
    ask: Decimal | None
    mid: Decimal | None = strawberry.field(description="Null unless bid and ask are known and do not cross.")
    last: Decimal | None
    quoted_at: datetime = strawberry.field(
        description="When the quote was new: createdAt of the order less this is its age."
    )

    @classmethod
    def of(cls, one: arrival.Arrival) -> "ArrivalPrice":
        """The type of the value."""
        return cls(bid=one.bid, ask=one.ask, mid=one.mid, last=one.last, quoted_at=one.quoted_at)
