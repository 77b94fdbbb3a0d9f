"""The market data lines of all sessions: what each may carry, and what it was told."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from app.core.clock import Clock
from app.simulator import tick_messages
from app.simulator.config import DataRight
from app.simulator.directory import Directory
from app.simulator.history import History
from app.simulator.instruments import OptionEntry
from app.simulator.market import Market, Quote
from app.simulator.rights import DataAnswer, DataType, answer_of
from app.simulator.session import Line, Session

DELAY = timedelta(minutes=15)
_STREAMED = frozenset({DataRight.FULL, DataRight.PARTIAL, DataRight.PARTIAL_FOR_API})


class Lines:
    """Keeps lines told. A symbol of the catalogue may have a right of its own; `*` is for all others."""

    def __init__(
        self, directory: Directory, market: Market, history: History, clock: Clock, rights: dict[str, DataRight]
    ) -> None:
        self._directory = directory
        self._market = market
        self._history = history
        self._clock = clock
        self._rights = dict(rights)
        self._lines: defaultdict[int, dict[tuple[Session, int], Line]] = defaultdict(dict)

    @property
    def con_ids(self) -> Iterator[int]:
        """The contracts that have a line."""
        return (con_id for con_id, lines in self._lines.items() if lines)

    def may_stream(self, con_id: int) -> bool:
        """Whether the contract's market may be followed one by one: what is delayed is not told so."""
        return self._right_of(con_id) in _STREAMED

    def answer(self, session: Session, con_id: int) -> DataAnswer:
        """What a line of this session for the contract carries now."""
        is_open = self._directory[con_id].hours.is_open(self._clock.now(), is_extended=True)
        return answer_of(self._right_of(con_id), session.subscriptions.data_type, is_open=is_open)

    def set_right(self, symbol: str, right: DataRight) -> None:
        """Change what may be seen of a symbol, or with `*` of all that have no right of their own.

        Lines that are open hear of it, go silent, delayed or live; those that are refused now are closed.
        """
        self._rights[symbol] = right
        for con_id, lines in list(self._lines.items()):
            for (session, request_id), line in list(lines.items()):
                answer = self.answer(session, con_id)
                if (answer.data_type, answer.is_partial) == (line.data_type, line.is_partial):
                    continue
                self.tell_answer(session, request_id, answer)
                if not answer.keeps_line:
                    self.close(session, request_id)
                    continue
                line.data_type, line.is_partial, line.told = answer.data_type, answer.is_partial, None
                self._tell(session, line)

    def tell_answer(self, session: Session, request_id: int, answer: DataAnswer) -> None:
        """Tell a client what its line carries."""
        if answer.notice is not None:
            session.send_error(request_id, answer.notice.code, answer.notice.message)
        if answer.data_type is not None:
            session.send(tick_messages.market_data_type(request_id, answer.data_type))

    def open(self, session: Session, line: Line) -> None:
        """Tell a session of every change of a quote from now on, beginning with all of it."""
        session.subscriptions.lines[line.request_id] = line
        self._lines[line.con_id][session, line.request_id] = line
        self._tell(session, line)

    def snapshot(self, session: Session, line: Line) -> None:
        """Tell all of a quote once."""
        self._tell(session, line)
        session.send(tick_messages.tick_snapshot_end(line.request_id))

    def close(self, session: Session, request_id: int) -> bool:
        """Stop a line; False when the session has none under this id."""
        line = session.subscriptions.lines.pop(request_id, None)
        if line is None:
            return False
        self._lines[line.con_id].pop((session, request_id), None)
        return True

    def leave(self, session: Session) -> None:
        """Forget the lines of a session that is gone."""
        for line in session.subscriptions.lines.values():
            self._lines[line.con_id].pop((session, line.request_id), None)

    def show(self, con_id: int) -> None:
        """Let an instrument's newest quote reach its lines."""
        for (session, _), line in self._lines[con_id].items():
            self._tell(session, line)

    def _right_of(self, con_id: int) -> DataRight:
        listed = self._directory[con_id]
        right = self._rights.get(listed.symbol if listed.sec_type != "CASH" else listed.local_symbol)
        return right or self._rights.get("*", DataRight.FULL)

    def _tell(self, session: Session, line: Line) -> None:
        if line.data_type is None:
            return
        now = self._clock.now()
        is_delayed = DataType(line.data_type).is_delayed
        old, new = line.told, self._quote(line.con_id, now, is_delayed=is_delayed)
        if old is new:
            return
        frame = tick_messages.ticks(line.request_id, old, new, is_delayed=is_delayed, is_partial=line.is_partial)
        listed = self._directory[line.con_id]
        if line.generic_ticks:
            frame += tick_messages.generic_ticks(line.request_id, line.generic_ticks, listed, old, new)
        if isinstance(listed.entry, OptionEntry):
            root = self._quote(listed.entry.root_con_id, now, is_delayed=is_delayed)
            frame += tick_messages.option_model(line.request_id, listed.entry, root, now.date(), is_delayed=is_delayed)
        session.send(frame)
        line.told = new

    def _quote(self, con_id: int, now: datetime, *, is_delayed: bool) -> Quote:
        return self._history.delayed(con_id, now - DELAY) if is_delayed else self._market.quote(con_id)
