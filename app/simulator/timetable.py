"""When each working order comes to its time, and which instruments are dealt at the moment."""

from collections.abc import Iterator
from datetime import datetime
from heapq import heapify, heappop, heappush

from app.core.fix import TimeInForce
from app.core.sessions import Session, TradingHours
from app.simulator.directory import Directory
from app.simulator.orders import TIMES_IN_FORCE, OrderRequest, SimulatedOrder
from app.simulator.requests import read_time

_AGENDA_SLACK = 10_000

SessionKind = tuple[int, bool]
"""A contract id, and whether its extended hours are meant."""

_HoursKind = tuple[TradingHours, bool]


class Timetable:
    """The sessions of the listed contracts as they pass, and the ends of the orders in them."""

    def __init__(self, directory: Directory, now: datetime) -> None:
        self._directory = directory
        self._sessions: dict[_HoursKind, Session] = {}
        self._ends: dict[int, datetime] = {}
        self._agenda: list[tuple[datetime, int]] = []
        self._open: dict[_HoursKind, bool] = {}
        self._opened_at: dict[TradingHours, datetime] = {}
        self.take_turned(now)
        for _ in self.take_opened(now):
            pass

    def end_of(self, request: OrderRequest, now: datetime) -> datetime | None:
        """When an order that works now ends by its time in force: for OPG at the opening; None for never."""
        match TIMES_IN_FORCE.get(request.time_in_force):
            case TimeInForce.DAY:
                return self._session(kind_of(request), now).closes_at
            case TimeInForce.OPG:
                return self._directory[request.con_id].hours.next_opening(now)
            case TimeInForce.GTD:
                return read_time(request.good_till_date)
            case _:
                return None

    def starts_at(self, request: OrderRequest, now: datetime) -> datetime:
        """When the session begins that the order deals in next; in the past while it is on."""
        if TIMES_IN_FORCE[request.time_in_force] is TimeInForce.OPG:
            return self._directory[request.con_id].hours.next_opening(now)
        return self._session(kind_of(request), now).opens_at

    def note(self, order: SimulatedOrder) -> None:
        """Keep in mind when the order ends."""
        if order.ends_at is None:
            self._ends.pop(order.perm_id, None)
        elif self._ends.get(order.perm_id) != order.ends_at:
            self._ends[order.perm_id] = order.ends_at
            heappush(self._agenda, (order.ends_at, order.perm_id))

    def forget(self, perm_id: int) -> None:
        """The order is over."""
        self._ends.pop(perm_id, None)
        if len(self._agenda) > 2 * len(self._ends) + _AGENDA_SLACK:
            self._agenda = [(ends_at, perm_id) for perm_id, ends_at in self._ends.items()]
            heapify(self._agenda)

    def take_due(self, now: datetime) -> list[int]:
        """The permanent ids of the orders that have come to their end, in its order; told once."""
        due = []
        while self._agenda and self._agenda[0][0] <= now:
            ends_at, perm_id = heappop(self._agenda)
            if self._ends.get(perm_id) == ends_at:
                del self._ends[perm_id]
                due.append(perm_id)
        return due

    def take_opened(self, now: datetime) -> Iterator[int]:
        """The contracts whose regular session has begun since this was last asked."""
        for hours in self._directory.hours:
            opens_at = self._session_in(hours, now, is_extended=False).opens_at
            if self._opened_at.get(hours) != opens_at <= now:
                self._opened_at[hours] = opens_at
                yield from self._directory.of_hours(hours)

    def take_turned(self, now: datetime) -> dict[SessionKind, bool]:
        """The sessions that began (True) or ended since this was last asked."""
        turned: dict[SessionKind, bool] = {}
        for hours in self._directory.hours:
            for is_extended in (False, True):
                kind = hours, is_extended
                is_open = self._session_in(hours, now, is_extended=is_extended).opens_at <= now
                if self._open.get(kind, is_open) != is_open:
                    turned |= {(con_id, is_extended): is_open for con_id in self._directory.of_hours(hours)}
                self._open[kind] = is_open
        return turned

    def _session(self, kind: SessionKind, now: datetime) -> Session:
        con_id, is_extended = kind
        return self._session_in(self._directory[con_id].hours, now, is_extended=is_extended)

    def _session_in(self, hours: TradingHours, now: datetime, *, is_extended: bool) -> Session:
        known = self._sessions.get((hours, is_extended))
        if known is None or now >= known.closes_at:
            known = self._sessions[hours, is_extended] = hours.next_session(now, is_extended=is_extended)
        return known


def kind_of(request: OrderRequest) -> SessionKind:
    """The sessions that the order deals in."""
    return request.con_id, request.is_outside_rth
