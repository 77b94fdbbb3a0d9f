"""When each working order comes to its time, and which instruments are dealt at the moment."""

from collections.abc import Iterator
from datetime import datetime
from heapq import heapify, heappop, heappush

from app.core.fix import TimeInForce
from app.core.sessions import Session
from app.simulator.directory import Directory
from app.simulator.orders import TIMES_IN_FORCE, OrderRequest, SimulatedOrder
from app.simulator.requests import read_time

_AGENDA_SLACK = 10_000

SessionKind = tuple[int, bool]
"""A contract id, and whether its extended hours are meant."""


class Timetable:
    """The sessions of the listed contracts as they pass, and the ends of the orders in them."""

    def __init__(self, directory: Directory, now: datetime) -> None:
        self._directory = directory
        self._sessions: dict[SessionKind, Session] = {}
        self._ends: dict[int, datetime] = {}
        self._agenda: list[tuple[datetime, int]] = []
        self._kinds = [(con_id, is_extended) for con_id in directory.entries for is_extended in (False, True)]
        self._open = {kind: self._is_open(kind, now) for kind in self._kinds}
        self._opened_at: dict[int, datetime] = {}
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
        for con_id in self._directory.entries:
            opens_at = self._session((con_id, False), now).opens_at
            if self._opened_at.get(con_id) != opens_at <= now:
                self._opened_at[con_id] = opens_at
                yield con_id

    def take_turned(self, now: datetime) -> dict[SessionKind, bool]:
        """The sessions that began (True) or ended since this was last asked."""
        turned = {
            kind: self._is_open(kind, now) for kind in self._kinds if self._is_open(kind, now) != self._open[kind]
        }
        self._open |= turned
        return turned

    def _is_open(self, kind: SessionKind, now: datetime) -> bool:
        return self._session(kind, now).opens_at <= now

    def _session(self, kind: SessionKind, now: datetime) -> Session:
        known = self._sessions.get(kind)
        if known is None or now >= known.closes_at:
            con_id, is_extended = kind
            known = self._sessions[kind] = self._directory[con_id].hours.next_session(now, is_extended=is_extended)
        return known


def kind_of(request: OrderRequest) -> SessionKind:
    """The sessions that the order deals in."""
    return request.con_id, request.is_outside_rth
