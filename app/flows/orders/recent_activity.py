"""What accounts did lately, as one process remembers it: only what is new is read, under the lock of the account."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from app.core.ids import TenantId
from app.core.messages import AccountKey
from app.flows.risk.recent_peaks import RecentPeaks
from app.infra.db import BatchSession, Read
from app.orders.events import OrderEventType
from app.orders.repository import activity
from app.orders.repository.activity import Happening
from app.risk.domain import Activity, Chain
from app.risk.domain.facts import fingerprint

ACCOUNTS_KEPT: Final = 1_024


@dataclass(slots=True)
class _Known:
    seen: int
    since: datetime
    activity: Activity = field(default_factory=Activity)


class RecentActivity:
    """The activity of the accounts that this process has met, and the chains of their tenants as they were last.

    An account is counted on from the place of its event log that was seen last. Whoever asks holds the account's lock,
    so that all that lies before is committed, and nothing comes in between. peaks are those of the accounts' equity.
    """

    def __init__(self) -> None:
        self.peaks = RecentPeaks()
        self._known: OrderedDict[AccountKey, _Known] = OrderedDict()
        self._chains: dict[TenantId, Chain] = {}

    def expected(self, tenant_ids: Iterable[TenantId]) -> dict[TenantId, Chain]:
        """The chains of the tenants as they were seen last; those that were never seen are left out."""
        return {one: self._chains[one] for one in tenant_ids if one in self._chains}

    def learn(self, chains: Mapping[TenantId, Chain]) -> None:
        """Keeps the chains that are in force, to ask for their facts together with them the next time."""
        self._chains.update(chains)

    async def prepare(
        self, session: BatchSession, spans: Mapping[AccountKey, timedelta], now: datetime
    ) -> "Recollection":
        """What is to be read for these accounts to know so much of their past."""
        held = {}
        for key, span in spans.items():
            known = self._known.get(key)
            if known is None or known.since > now - span:
                place = await activity.place_before(session, key, now - span)
                known = self._known[key] = _Known(seen=place, since=now - span)
            self._known.move_to_end(key)
            held[key] = known
        while len(self._known) > ACCOUNTS_KEPT:
            self._known.popitem(last=False)
        seen = {key: known.seen for key, known in held.items()}
        return Recollection(reads=activity.happenings_since(seen), spans=spans, _held=held)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recollection:
    """What accounts did lately, on its way: `reads` is what is new of it."""

    reads: Read[dict[AccountKey, list[Happening]]]
    spans: Mapping[AccountKey, timedelta]
    _held: Mapping[AccountKey, _Known]

    def take(self, found: Mapping[AccountKey, list[Happening]], now: datetime) -> dict[AccountKey, Activity]:
        """The activity of the accounts, with what was read counted in."""
        for key, known in self._held.items():
            for one in found.get(key, ()):
                # Another reader of this process may have counted it meanwhile.
                if one.sequence > known.seen:
                    _count(known.activity, one)
                    known.seen = one.sequence
            begins = now - self.spans[key]
            known.activity.begin(begins)
            known.since = max(known.since, begins)
        return {key: known.activity.of_transaction() for key, known in self._held.items()}


def _count(activity: Activity, one: Happening) -> None:
    if one.is_placement:
        assert one.instrument_id is not None, "an order has an instrument"
        assert one.side is not None, "an order has a side"
        assert one.order_type is not None, "an order has a type"
        assert one.terms is not None, "an order has terms"
        activity.orders.append((one.at, fingerprint(one.instrument_id, one.side, one.order_type, one.terms)))
    elif one.placed_at is not None:
        activity.released.append((one.at, one.placed_at))
    elif one.type in (OrderEventType.CANCEL_REQUESTED, OrderEventType.ORDER_CANCELED):
        activity.cancels.append(one.at)
    elif one.type is OrderEventType.REPLACE_REQUESTED:
        activity.changes.append(one.at)
    elif one.type is OrderEventType.EXECUTION_BOOKED:
        activity.executions.append(one.at)
        activity.last_fill_at = one.at
        if one.realized_pnl is not None and one.realized_pnl < 0:
            activity.last_loss_at = one.at
    elif one.is_by_broker:
        activity.last_reject_at = one.at
