"""The venue: joins sessions to the market and the exchange, and tells each client what concerns it."""

from collections.abc import Callable, Mapping
from datetime import datetime

from app.core.clock import Clock
from app.simulator import messages, order_messages
from app.simulator.account_tags import AccountTag, account_tags, chosen
from app.simulator.accounts import Holding
from app.simulator.config import SimulatorConfig
from app.simulator.directory import Directory
from app.simulator.exchange import Exchange
from app.simulator.faults import FaultEngine
from app.simulator.history import History
from app.simulator.history_pacing import HistoryPacing, TickPacing
from app.simulator.instruments import ROOTS
from app.simulator.lines import Lines
from app.simulator.market import Market
from app.simulator.orders import Execution, SimulatedOrder
from app.simulator.pricing import Pricer
from app.simulator.rules import CLIENT_ID_IN_USE, INVALID_REQUEST, Refusal
from app.simulator.session import Session
from app.simulator.streams import Streams
from app.simulator.wire import FieldReader

START_API = 71
FARM_NOTICES = (
    (2104, "Market data farm connection is OK:usfarm"),
    (2106, "HMDS data farm connection is OK:ushmds"),
    (2158, "Sec-def data farm connection is OK:secdefnj"),
)
_REQUEST_ID_FIRST = frozenset({22, 79, 83, 84, 86, 88, 100, 102, 104})
_REQUEST_ID_AFTER_VERSION = frozenset({21, 52, 54, 55, 67, 68})
"""Where requests that are not served carry the id under which their client waits for an answer."""

Handler = Callable[["Venue", Session, FieldReader], None]


class Venue:
    """Everything that outlives a connection, and the sessions that are connected now."""

    def __init__(
        self,
        config: SimulatorConfig,
        clock: Clock,
        handlers: Mapping[int, Handler],
        on_change: Callable[[], None],
        before_telling: Callable[[], None],
    ) -> None:
        self.config = config
        self.clock = clock
        self.directory = Directory(config.instruments, config.sessions, today=lambda: clock.now().date())
        self.pricer = Pricer(self.directory)
        self.history = History(self.directory, config.seed)
        self.streams = Streams()
        self.history_pacing = HistoryPacing()
        self.tick_pacing = TickPacing()
        self.market = Market(
            (*config.instruments, *ROOTS),
            seed=config.seed,
            size_min=config.displayed_size_min,
            size_max=config.displayed_size_max,
            derivation=self.pricer,
            on_quote=self.history.note,
        )
        self.lines = Lines(self.directory, self.market, self.history, clock, dict(config.data_rights))
        self.exchange = Exchange(config, clock, self.directory, self.market, self)
        self.faults = FaultEngine(self)
        self._handlers = handlers
        self._on_change = on_change
        self._before_telling = before_telling
        self._clients: dict[int, Session] = {}
        self._connections: set[Session] = set()
        self._changed_accounts: dict[str, set[int]] = {}

    # The session's gate.

    def connect(self) -> Session:
        """A session for a connection that is being made."""
        session = Session(self)
        self._connections.add(session)
        return session

    def version_of(self, client_max: int) -> int:
        """The server version spoken with a client that knows versions up to this one."""
        return min(client_max, self.config.server_version_max)

    def hello(self, session: Session) -> bytes:
        """The answer to the handshake."""
        return messages.handshake(session.version, self.clock.now())

    def receive(self, session: Session, reader: FieldReader) -> None:
        """Act on one message. Raises FieldError when it cannot be read."""
        if self.faults.is_active and self.faults.takes(session, reader.fields):
            return
        message_id = reader.integer()
        if session.client_id is None:
            if message_id == START_API:
                reader.skip(1)
                self._start(session, reader.integer())
            return
        handler = self._handlers.get(message_id)
        if handler is None:
            self._refuse_unserved(session, message_id, reader)
            return
        handler(self, session, reader)

    def admits(self) -> bool:
        """False while a fault refuses connections."""
        return not self.faults.is_active or self.faults.admits()

    def leaving(self, session: Session, frame: bytes) -> bytes:
        """The frames as the faults at work leave them."""
        is_told = self.faults.is_active and session.client_id is not None
        return self.faults.leaving(session, frame) if is_told else frame

    def before_telling(self) -> None:
        """Let what changed be kept before any client hears of it."""
        self._before_telling()

    def leave(self, session: Session) -> None:
        """The connection is gone."""
        self._connections.discard(session)
        if session.client_id is not None and self._clients.get(session.client_id) is session:
            del self._clients[session.client_id]
        self.streams.leave(session)
        self.lines.leave(session)

    def sessions(self) -> list[Session]:
        """Every connection."""
        return list(self._connections)

    @property
    def has_clients(self) -> bool:
        """True while anyone is connected."""
        return bool(self._connections)

    def drop_connections(self) -> None:
        """Cut every connection at once."""
        for session in list(self._connections):
            session.drop()

    # Market data.

    @property
    def watched(self) -> list[int]:
        """The contract ids of what walks, and of whatever else has a line or a working order."""
        walking = self.market.walking
        others = (*self.lines.con_ids, *self.exchange.dealt, *self.streams.con_ids)
        derived = dict.fromkeys(con_id for con_id in others if con_id not in walking)
        return [*walking, *derived]

    def derived_from(self, con_id: int) -> list[int]:
        """Those of the watched whose price follows from this one's."""
        return [other for other in self.watched if self.pricer.follows(other, con_id)]

    def show_market(self, con_id: int) -> None:
        """Let an instrument's newest quote reach its orders and its lines."""
        self.exchange.show_market(con_id)
        self.lines.show(con_id)
        self.streams.show(con_id, self.market.quote(con_id), self.clock.now())

    # The exchange's events.

    def order_changed(self, order: SimulatedOrder, *, has_new_terms: bool) -> None:
        """Tell the order's client."""
        self._on_change()
        session = self._clients.get(order.client_id)
        if session is not None:
            self.tell_order(session, order, has_terms=has_new_terms)

    def order_refused(self, client_id: int, order_id: int, refusal: Refusal) -> None:
        """Tell the client."""
        session = self._clients.get(client_id)
        if session is not None:
            session.send_error(order_id, refusal.code, refusal.message)

    def holds(self, order: SimulatedOrder) -> bool:
        """True when a fault keeps a new order from its book."""
        return self.faults.is_active and self.faults.holds(order)

    def cancelled(self, order: SimulatedOrder) -> None:
        """Let the faults at work know of it."""
        if self.faults.is_active:
            self.faults.cancelled(order)

    def tell_error(self, order: SimulatedOrder, code: int, words: str) -> None:
        """Tell the order's client an error about it."""
        self.order_refused(order.client_id, order.request.order_id, Refusal(code=code, message=words))

    def executed(self, execution: Execution) -> None:
        """Tell the order's client."""
        if self.faults.is_active and execution.execution_id.endswith(".01"):
            self.faults.dealt(execution)
        session = self._clients.get(execution.client_id)
        if session is not None:
            listed = self.directory[execution.con_id]
            session.send(messages.execution_details(-1, execution, listed, session.version))

    def commissioned(self, execution: Execution) -> None:
        """Tell the order's client."""
        session = self._clients.get(execution.client_id)
        if session is not None:
            session.send(messages.commission_report(execution))

    def account_changed(self, account_id: str, con_id: int) -> None:
        """Remember it for the next publication: many deals of one moment are told as one position."""
        self._changed_accounts.setdefault(account_id, set()).add(con_id)

    def tell_order(self, session: Session, order: SimulatedOrder, *, has_terms: bool) -> None:
        """Send an order's state, with its terms where the client may not have them."""
        if has_terms:
            listed = self.directory[order.request.con_id]
            session.send(order_messages.open_order(order, listed, session.version))
        session.send(messages.order_status(order))

    # Accounts.

    def tags_of(self, account_id: str) -> list[AccountTag]:
        """Every figure of an account."""
        return account_tags(self.exchange.accounts[account_id], self.directory.entries, self.exchange.mark)

    def publish_positions(self) -> None:
        """Tell subscribers of the positions that changed since the last publication."""
        changed, self._changed_accounts = self._changed_accounts, {}
        for account_id, con_ids in changed.items():
            account = self.exchange.accounts[account_id]
            for session in self._clients.values():
                subscriptions = session.subscriptions
                for con_id in con_ids:
                    listed, holding = self.directory[con_id], account.holdings[con_id]
                    if subscriptions.has_positions:
                        session.send(messages.position(account_id, listed, holding))
                    for request_id, (wanted, model) in subscriptions.position_multis.items():
                        if wanted in {"", account_id}:
                            session.send(messages.position_multi(request_id, account_id, listed, holding, model))
                    if subscriptions.account_id == account_id:
                        mark = self.exchange.mark(con_id)
                        session.send(messages.portfolio_value(account_id, listed, holding, mark))
        if changed:
            self.publish_accounts()

    def publish_accounts(self) -> None:
        """Tell subscribers of the account figures that changed since they were last told."""
        tags: dict[str, list[AccountTag]] = {}
        for session in self._clients.values():
            subscriptions = session.subscriptions
            account_id = subscriptions.account_id
            if account_id is not None:
                tags.setdefault(account_id, self.tags_of(account_id))
                self.tell_account(session, account_id, tags[account_id])
            for request_id, summary in subscriptions.summaries.items():
                if (self.clock.now() - summary.told_at).total_seconds() >= self.config.summary_interval_s:
                    self.tell_summary(session, request_id)
            for request_id, account in subscriptions.gains.items():
                self.tell_gains(session, request_id, account)
            for request_id, (account, con_id) in subscriptions.single_gains.items():
                self.tell_single_gains(session, request_id, account, con_id)

    def note_change(self) -> None:
        """Something that is kept changed without an order."""
        self._on_change()

    def tell_summary(self, session: Session, request_id: int) -> None:
        """Send the figures of an account summary that the session was not told yet as they are."""
        summary = session.subscriptions.summaries[request_id]
        summary.told_at = self.clock.now()
        for account_id in summary.account_ids:
            for tag, value, currency in chosen(self.tags_of(account_id), summary.tags):
                if summary.told.get((account_id, tag, currency)) != value:
                    summary.told[account_id, tag, currency] = value
                    session.send(messages.account_summary(request_id, account_id, tag, value, currency))

    def tell_account(self, session: Session, account_id: str, tags: list[AccountTag]) -> None:
        """Send the figures that the session was not told yet as they are."""
        told = session.subscriptions.account_told
        has_news = False
        for tag, value, currency in tags:
            if told.get((tag, currency)) != value:
                told[tag, currency] = value
                session.send(messages.account_value(account_id, tag, value, currency))
                has_news = True
        if has_news:
            session.send(messages.account_time(self.clock.now()))

    def tell_gains(self, session: Session, request_id: int, account_id: str) -> None:
        """Send an account's gains of the day."""
        account = self.exchange.accounts[account_id]
        figures = account.figures(self.directory.entries, self.exchange.mark)
        daily = figures.net_liquidation - account.day_start_equity
        session.send(messages.profit_and_loss(request_id, daily, figures.unrealized, figures.realized))

    def tell_single_gains(self, session: Session, request_id: int, account_id: str, con_id: int) -> None:
        """Send one position's gains of the day."""
        holding = self.exchange.accounts[account_id].holdings.get(con_id, Holding())
        mark = self.exchange.mark(con_id)
        multiplier = self.directory[con_id].entry.multiplier
        value = holding.quantity * mark * multiplier
        unrealized = holding.quantity * (mark - holding.average_cost) * multiplier
        session.send(
            messages.profit_and_loss_single(
                request_id, holding.quantity, value - holding.day_cost, unrealized, holding.realized, value
            )
        )

    def pass_time(self, now: datetime) -> None:
        """Let orders expire, the day turn and bars be over."""
        self.exchange.pass_time(now)
        self.streams.pass_time(now)

    def _start(self, session: Session, client_id: int) -> None:
        if client_id in self._clients:
            session.send_error(
                -1,
                CLIENT_ID_IN_USE,
                "Unable to connect as the client id is already in use. Retry with a unique client id.",
            )
            session.close()
            return
        session.client_id = client_id
        self._clients[client_id] = session
        session.send(messages.managed_accounts(sorted(self.exchange.accounts)))
        session.send(messages.next_valid_id(self.exchange.next_order_id(client_id)))
        for code, notice in FARM_NOTICES:
            session.send_error(-1, code, notice)

    def _refuse_unserved(self, session: Session, message_id: int, reader: FieldReader) -> None:
        request_id = -1
        if message_id in _REQUEST_ID_AFTER_VERSION:
            reader.skip(1)
        if message_id in _REQUEST_ID_FIRST | _REQUEST_ID_AFTER_VERSION:
            request_id = reader.integer(-1)
        session.send_error(
            request_id, INVALID_REQUEST, f"Error validating request: message {message_id} is not served here"
        )
