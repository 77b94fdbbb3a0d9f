"""The broker port towards Interactive Brokers."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from app.brokers.ib import callbacks as parts
from app.brokers.ib.account_values import AccountFigures
from app.brokers.ib.callbacks import Callbacks
from app.brokers.ib.codes import CLIENT_ID_TAKEN, meaning_of
from app.brokers.ib.collecting import EXECUTIONS_REQUEST, Collector
from app.brokers.ib.contracts import RawIncrement
from app.brokers.ib.inquiries import FIRST_INQUIRY_REQUEST, Inquiries
from app.brokers.ib.inquiry_pace import InquiryPace
from app.brokers.ib.library import Client, Library
from app.brokers.ib.market_lines import FIRST_LINE_REQUEST, LINES_MAX, MarketLines
from app.brokers.ib.pacing import Pacer, Priority
from app.brokers.ib.raw import RawWhatIfState
from app.brokers.ib.session import GatewayAddress, IbSession, Timeouts
from app.brokers.ib.stream_pace import StreamPace
from app.brokers.ib.streams import FIRST_STREAM_REQUEST, Streams
from app.brokers.ib.translate import contract_fields, fault_report, order_fields
from app.brokers.ib.what_ifs import WhatIfs
from app.brokers.inquiries import Finding, Inquiry
from app.brokers.port import (
    BrokerSink,
    ConnectionChange,
    ConnectionEvent,
    LineChange,
    SessionOpened,
    Snapshot,
    Sweep,
)
from app.brokers.questions import Answer, Asked
from app.brokers.streams import ToldStreams
from app.brokers.what_if import WhatIf, WhatIfAnswer
from app.core.clock import Clock
from app.core.ids import InstrumentId
from app.core.messages import (
    BrokerPosition,
    BrokerReport,
    CommissionReport,
    Contract,
    ExecutionReport,
    FaultClass,
    LaneCommand,
    LaneKind,
    StatusReport,
    Tick,
)
from app.core.streaming import StreamWish

log = logging.getLogger(__name__)

PNL_REQUEST = 1_900_000_001
BINDING_CLIENT_ID = 0
"""The client that may change orders made by hand: TWS binds them to it when it asks for that."""
# Live where it is subscribed, delayed elsewhere.
_DELAYED = 3


_INTERRUPTIONS = {
    ConnectionEvent.UPSTREAM_LOST: "The gateway lost the broker: nothing comes until it is back.",
    ConnectionEvent.FEED_DOWN: "The gateway lost a farm of market data: what comes is not known to be whole.",
}


class IbAdapter:
    """One account's session with a TWS, an IB Gateway or the simulator: BrokerAdapter, and Listener of its callbacks.

    tenant is the group among which new orders take turns at the gateway's pace.
    """

    def __init__(
        self,
        *,
        library: Library,
        address: GatewayAddress,
        tenant: object,
        sink: BrokerSink,
        pacer: Pacer,
        clock: Clock,
        timezone: str = "UTC",
        timeouts: Timeouts | None = None,
        lines_max: int = LINES_MAX,
        inquiry_pace: InquiryPace | None = None,
        stream_pace: StreamPace | None = None,
        takes_delayed: bool = False,
    ) -> None:
        """takes_delayed: markets that are not subscribed come delayed instead of not at all."""
        self._library = library
        self._address = address
        self._tenant = tenant
        self._sink = sink
        self._pacer = pacer
        self._clock = clock
        self._timeouts = timeouts or Timeouts()
        self._figures = AccountFigures()
        self._asks_pnl = True
        self._unwritten: set[int] = set()
        self._held: dict[tuple[str, int], tuple[LaneCommand, float]] = {}
        self._is_closed = False
        self._takes_delayed = takes_delayed
        self._session = IbSession(
            library=library,
            address=address,
            callbacks=Callbacks(self, clock, address.account, timezone, is_adviser=address.is_adviser),
            pacer=pacer,
            timeouts=self._timeouts,
        )
        self._lines = MarketLines(self._session, library, self._lined, lines_max=lines_max)
        self._collector = Collector(self._session, library, self._timeouts.part_s)
        self._what_ifs = WhatIfs(self._session, library, address, self._timeouts.what_if_s)
        inquiry_pace = inquiry_pace or InquiryPace()
        self._inquiries = Inquiries(self._session, library, clock, inquiry_pace, self._timeouts.inquiries)
        self.streams = Streams(self._session, library, inquiry_pace, stream_pace or StreamPace(), lines_max=lines_max)

    async def connect(self) -> SessionOpened:
        """Open the session.

        Raises BrokerUnreachableError, BrokerClientIdTakenError, BrokerAccountUnknownError, BrokerTimedOutError.
        """
        opened = await self._session.open()
        self._what_ifs.begin(opened.next_order_id)
        if self._address.client_id == BINDING_CLIENT_ID:
            self._session.submit(Priority.SYNC, lambda client: client.reqAutoOpenOrders(True))
        if self._takes_delayed:
            self._session.submit(Priority.MARKET_DATA, lambda client: client.reqMarketDataType(_DELAYED))
        return opened

    async def synchronize(self) -> Snapshot:
        """Ask for open and completed orders, executions, positions and values; each has a time-out of its own.

        Raises BrokerDisconnectedError when the session ends meanwhile.
        """
        collected, missing = await self._collector.everything()
        self._ask_for_pnl()
        return Snapshot(
            reports=collected.reports(),
            positions=tuple(collected.positions.values()),
            values=self._figures.values,
            missing=missing,
        )

    async def sweep(self, *, is_full: bool) -> Sweep:
        """Ask for the open orders; a full sweep for completed orders and executions as well.

        Few messages, and ahead of new orders: what is in doubt is risk. Raises BrokerTimedOutError when a part does
        not end, and BrokerDisconnectedError.
        """
        collected = await self._collector.orders(is_full=is_full)
        return Sweep(
            open_orders=tuple(collected.statuses),
            finished=tuple(collected.completed),
            executions=collected.dealt(),
        )

    async def positions(self) -> tuple[BrokerPosition, ...]:
        """Ask for all positions, at the cost of one message. Raises BrokerTimedOutError, BrokerDisconnectedError."""
        return await self._collector.positions()

    def unwritten(self) -> int:
        """How many orders wait for the pace before they are written."""
        return len(self._unwritten)

    def capacity(self) -> int:
        """How many new orders would be written at once."""
        return self._pacer.capacity(Priority.NEW) if self._session.is_open else 0

    def send(self, command: LaneCommand) -> None:
        """Write a claimed command. An order keeps its orderId over every modify and resend.

        Raises BrokerDisconnectedError when there is no session.
        """
        assert not self._what_ifs.has_asked, "a session of questions has order ids that are no orders"
        number = command.broker_order_id
        # What is asked of an order that itself still waits may not overtake it: it takes its place behind it.
        waits = number in self._unwritten
        if command.kind is LaneKind.CANCEL:
            self._hold(
                command,
                Priority.NEW if waits else Priority.CANCEL,
                lambda client: client.cancelOrder(number),
                group=self._tenant if waits else None,
            )
            return
        order = self._library.order(order_fields(command, self._address.account))
        contract = self._library.contract(contract_fields(command.contract))
        is_new = command.kind is LaneKind.PLACE
        if is_new:
            self._unwritten.add(number)
        self._hold(
            command,
            Priority.NEW if waits or is_new else Priority.MODIFY,
            lambda client: client.placeOrder(number, contract, order),
            group=self._tenant,
        )

    def take_back(self, older_than_s: float) -> list[LaneCommand]:
        """Commands that still wait for the pace, in the order of their sending, and are not written any more.

        None unless one of them waits longer than that.
        """
        now = asyncio.get_running_loop().time()
        if not any(now - since > older_than_s for _, since in self._held.values()):
            return []
        held, self._held = self._held, {}
        for key in held:
            self._session.withdraw(key)
        self._unwritten.clear()
        return [command for command, _ in held.values()]

    def watch(self, contracts: Sequence[Contract]) -> None:
        """Hold a market data line open for exactly these, as far as the gateway's number of lines goes."""
        self._lines.watch(contracts)

    def take_ticks(self) -> list[Tick]:
        """The newest state of every watched market that changed since the last call."""
        return self._lines.values.take()

    def take_counts(self) -> dict[InstrumentId, int]:
        """How many messages came for each watched market since the last call."""
        return self._lines.values.take_counts()

    async def follow(self, wishes: Sequence[StreamWish]) -> None:
        """Have exactly these streams, as far as the gateway's bounds go; asked again it goes on with what waited."""
        await self.streams.follow(wishes)

    def take_streams(self) -> ToldStreams:
        """What streams told since the last call."""
        return self.streams.take()

    def stream_lines(self) -> int:
        """How many market data lines the streams take."""
        return self.streams.lines

    async def what_if(self, asked: WhatIf, account: str) -> WhatIfAnswer:
        """Ask what an order would do, under an order id of the question's own.

        Raises WhatIfRefusedError, BrokerBusyError, BrokerTimedOutError, BrokerDisconnectedError.
        """
        return await self._what_ifs.ask(asked, account)

    async def answer(self, asked: Asked, account: str) -> Answer:
        """The answer to a question of either kind. Raises what what_if and inquire raise."""
        return await (self.what_if(asked, account) if isinstance(asked, WhatIf) else self.inquire(asked))

    async def inquire(self, asked: Inquiry) -> Finding:
        """Ask about contracts, their past, or a market at this moment; nothing is ordered.

        Raises InquiryRefusedError, HistoryPacedError, BrokerBusyError, BrokerTimedOutError, BrokerDisconnectedError.
        """
        return await self._inquiries.ask(asked)

    async def probe(self) -> float:
        """Ask the gateway for its time; milliseconds until it answered.

        Raises BrokerTimedOutError, BrokerDisconnectedError.
        """
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await self._session.ask(
            parts.TIME,
            lambda client: client.reqCurrentTime(),
            priority=Priority.CANCEL,
            timeout_s=self._timeouts.probe_s,
        )
        return (loop.time() - begun) * 1000

    async def close(self) -> None:
        """End the session. Nothing reaches the sink afterwards."""
        self._is_closed = True
        self.streams.close()
        self._session.close()

    def heard_next_order_id(self, number: int) -> None:
        self._session.next_order_id(number)

    def heard_status(self, report: StatusReport) -> None:
        if self._what_ifs.is_ours(report.address.client_id, report.address.broker_order_id):
            return
        if not self._collector.takes_status(report):
            self._report(report)

    def heard_what_if(self, client_id: int, number: int, state: RawWhatIfState) -> None:
        self._what_ifs.answered(client_id, number, state)

    def heard_completed(self, report: StatusReport) -> None:
        self._collector.take_completed(report)

    def heard_execution(self, report: ExecutionReport, request_id: int) -> None:
        if not self._collector.takes_execution(report, request_id):
            self._report(report)

    def heard_commission(self, report: CommissionReport) -> None:
        if not self._collector.takes_commission(report):
            self._report(report)

    def heard_error(self, request_id: int, code: int, message: str) -> None:
        if code == CLIENT_ID_TAKEN:
            self._session.client_id_taken(message)
            return
        meaning = meaning_of(code)
        if meaning.event is not None:
            self._change(meaning.event, message, code)
        elif FIRST_INQUIRY_REQUEST <= request_id < EXECUTIONS_REQUEST:
            self._inquiries.refused(request_id, code, message)
        elif FIRST_STREAM_REQUEST <= request_id < FIRST_INQUIRY_REQUEST:
            self.streams.refused(request_id, code, message)
        elif request_id >= FIRST_LINE_REQUEST:
            self._lines.refused(request_id, code, message)
        elif self._what_ifs.is_ours(self._address.client_id, request_id):
            self._what_ifs.refused(request_id, code, message)
        elif request_id > 0:
            self._report(
                fault_report(
                    order_id=request_id,
                    client_id=self._address.client_id,
                    code=code,
                    message=message,
                    occurred_at=self._clock.now(),
                )
            )
        elif not self._inquiries.refused_groups(code, message):
            level = logging.WARNING if meaning.fault is FaultClass.UNKNOWN else logging.DEBUG
            log.log(level, "%s: %d %s", self._address.account, code, message)

    def heard_value(self, key: str, value: str, currency: str) -> None:
        try:
            is_news = self._figures.take(key, value, currency)
        except ValueError as error:
            self.heard_unreadable(str(error))
            return
        if is_news:
            self._tell_figures()

    def heard_pnl(self, daily: float, unrealized: float, realized: float) -> None:
        if self._figures.take_pnl(daily, unrealized, realized):
            self._tell_figures()

    def heard_position(self, position: BrokerPosition) -> None:
        if not self._collector.takes_position(position) and not self._is_closed:
            self._sink.held(position)

    def heard_end(self, part: str) -> None:
        self._session.answered(part)

    def heard_price(self, request_id: int, tick_type: int, price: float, size: float) -> None:
        lines = self._lines.values if request_id < FIRST_INQUIRY_REQUEST else self._inquiries.snapshots
        lines.price(request_id, tick_type, price, size, self._clock.now())

    def heard_size(self, request_id: int, tick_type: int, size: float) -> None:
        lines = self._lines.values if request_id < FIRST_INQUIRY_REQUEST else self._inquiries.snapshots
        lines.size(request_id, tick_type, size, self._clock.now())

    def heard_part(self, request_id: int, part: object) -> None:
        self._inquiries.heard_part(request_id, part)

    def heard_all(self, request_id: int) -> None:
        self._inquiries.heard_all(request_id)

    def heard_rule(self, rule_id: int, increments: Sequence[RawIncrement]) -> None:
        self._inquiries.heard_rule(rule_id, increments)

    def heard_data_type(self, request_id: int, data_type: int) -> None:
        if request_id >= FIRST_INQUIRY_REQUEST:
            self._inquiries.heard_data_type(request_id, data_type)
        else:
            self._lines.heard_data_type(request_id, data_type)

    def heard_groups(self, kind: int, document: str) -> None:
        self._inquiries.heard_groups(kind, document)

    def heard_unreadable(self, detail: str) -> None:
        self._change(ConnectionEvent.UNREADABLE, detail)

    def heard_disconnect(self) -> None:
        self._session.ended()
        self.streams.close()
        self._change(ConnectionEvent.LOST, "the gateway closed the connection")

    def _hold(
        self, command: LaneCommand, priority: Priority, write: Callable[[Client], None], *, group: object
    ) -> None:
        number = command.broker_order_id
        key = (command.kind.value, number)

        def leave(client: Client) -> None:
            self._held.pop(key, None)
            if command.kind is LaneKind.PLACE:
                self._unwritten.discard(number)
            write(client)

        # A newer command of the kind takes the older's place, and has waited as long.
        _, since = self._held.get(key, (command, asyncio.get_running_loop().time()))
        self._held[key] = (command, since)
        self._session.submit(priority, leave, group=group, key=key)

    def _report(self, report: BrokerReport) -> None:
        if not self._is_closed:
            self._sink.reported(report)

    def _change(self, event: ConnectionEvent, detail: str, code: int | None = None) -> None:
        if event is ConnectionEvent.UPSTREAM_RESET:
            self._lines.open_again()
            self.streams.reset()
        elif event in _INTERRUPTIONS:
            self.streams.interrupted(_INTERRUPTIONS[event])
        if not self._is_closed:
            self._sink.changed(
                ConnectionChange(event=event, detail=detail, broker_code=code, occurred_at=self._clock.now())
            )

    def _lined(self, change: LineChange) -> None:
        if not self._is_closed:
            self._sink.lined(change)

    def _tell_figures(self) -> None:
        if not self._collector.is_collecting and not self._is_closed:
            self._sink.valued(self._figures.values)

    def _ask_for_pnl(self) -> None:
        # It has no end that could be waited for, and goes on for as long as the session does.
        if self._asks_pnl:
            self._asks_pnl = False
            account = self._address.account
            self._session.submit(Priority.SYNC, lambda client: client.reqPnL(PNL_REQUEST, account, ""))
