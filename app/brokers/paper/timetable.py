"""When each order deals, waits and ends: sessions as they pass, remembered while they last."""

from datetime import UTC, datetime

from app.brokers.paper.orders import PaperOrder
from app.brokers.paper.rules import PaperTerms, end_of, hours_of, session_of
from app.core.fix import TimeInForce
from app.core.ids import InstrumentId
from app.core.messages import Instrument
from app.core.sessions import Session

NEVER = datetime.max.replace(tzinfo=UTC)


class PaperTimetable:
    """The sessions of one account's instruments. Time only goes on."""

    def __init__(self, terms: PaperTerms) -> None:
        self._terms = terms
        self._sessions: dict[tuple[InstrumentId, bool], Session] = {}

    def is_dealt(self, order: PaperOrder, instrument: Instrument, now: datetime) -> bool:
        """True while the session is on that the order deals in; an order for the opening deals in no book."""
        return not is_for_opening(order) and self._session(order, instrument, now).opens_at <= now

    def end_of(self, order: PaperOrder, instrument: Instrument, now: datetime) -> datetime | None:
        """When an order that is taken now ends by its time in force; None for never."""
        return end_of(order, hours_of(instrument, self._terms), now)

    def next_moment(self, order: PaperOrder, instrument: Instrument, now: datetime) -> datetime:
        """When something happens to the order by time alone: its session begins or ends, or it ends itself."""
        session = self._session(order, instrument, now)
        turn = session.closes_at if session.opens_at <= now else session.opens_at
        return turn if order.ends_at is None else min(turn, order.ends_at)

    def _session(self, order: PaperOrder, instrument: Instrument, now: datetime) -> Session:
        kind = (instrument.id, order.outside_regular_hours)
        known = self._sessions.get(kind)
        if known is None or now >= known.closes_at:
            known = self._sessions[kind] = session_of(order, hours_of(instrument, self._terms), now)
        return known


def is_for_opening(order: PaperOrder) -> bool:
    """True for an order that deals in the next opening alone."""
    return order.terms.time_in_force is TimeInForce.OPG
