"""Inquiries of one session: which of them wait, what came for each so far, and when it is all there."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.brokers.errors import (
    BrokerBusyError,
    BrokerDisconnectedError,
    BrokerTimedOutError,
    HistoryPacedError,
    InquiryRefusedError,
)
from app.brokers.ib.advisers import GROUPS, NO_GROUPS, read_groups
from app.brokers.ib.codes import meaning_of
from app.brokers.ib.contracts import (
    RawDetails,
    RawIncrement,
    bands,
    contract_hit,
    market_rule_of,
    option_class,
    query_fields,
    told_contract,
)
from app.brokers.ib.history import bars_fields, bars_of, ticks_fields, ticks_of
from app.brokers.ib.inquiry_pace import InquiryPace
from app.brokers.ib.library import Client, Library
from app.brokers.ib.lines import Lines
from app.brokers.ib.pacing import Priority
from app.brokers.ib.session import IbSession, InquiryTimeouts
from app.brokers.ib.translate import contract_fields
from app.brokers.inquiries import (
    CONTRACTS_MAX,
    AskBars,
    AskTicks,
    Bars,
    ContractHits,
    DescribeContracts,
    Finding,
    Inquiry,
    ListGroups,
    ListOptions,
    MarketSnapshot,
    OptionClasses,
    PastTicks,
    SearchContracts,
    TakeSnapshot,
    ToldContract,
    ToldContracts,
    ToldGroups,
)
from app.core.clock import Clock
from app.core.messages import FaultClass, PriceBand

log = logging.getLogger(__name__)

FIRST_INQUIRY_REQUEST = 1_500_000_000
WAITING_MAX = 64
PARTS_MAX = 50_000
RULES_MAX = 10_000
_NO_HISTORY = 162
_NO_DATA = ("returned no data", "no data of type")
_PACED = "pacing violation"
_DELAYED_TYPES = frozenset({3, 4})


@dataclass(slots=True)
class _Waiting:
    parts: list[Any] = field(default_factory=list)
    refusal: tuple[int, str] | None = None
    is_over: bool = False
    is_delayed: bool = False


class Inquiries:
    """The inquiries of one session. Market rules are asked once for a session: they change with a new release."""

    def __init__(
        self,
        session: IbSession,
        library: Library,
        clock: Clock,
        pace: InquiryPace,
        timeouts: InquiryTimeouts | None = None,
    ) -> None:
        self._session = session
        self._library = library
        self._clock = clock
        self._pace = pace
        self._timeouts = timeouts or InquiryTimeouts()
        self._next = FIRST_INQUIRY_REQUEST
        self._waiting: dict[int, _Waiting] = {}
        self._rules: dict[int, tuple[PriceBand, ...]] = {}
        # An answer names its rule alone: two that ask for the same would wait under one name.
        self._one_rule = asyncio.Lock()
        self._one_groups = asyncio.Lock()
        self._asked_groups: _Waiting | None = None
        self.snapshots = Lines(FIRST_INQUIRY_REQUEST, WAITING_MAX)

    async def ask(self, asked: Inquiry) -> Finding:
        """The finding of the inquiry.

        Raises InquiryRefusedError, HistoryPacedError, BrokerBusyError, BrokerTimedOutError, BrokerDisconnectedError.
        """
        if not self._session.is_open:
            raise BrokerDisconnectedError("there is no session with the gateway")
        if len(self._waiting) >= WAITING_MAX:
            raise BrokerBusyError("too many questions wait for the broker already")
        try:
            match asked:
                case SearchContracts():
                    return await self._search(asked)
                case DescribeContracts():
                    return await self._describe(asked)
                case ListOptions():
                    return await self._list_options(asked)
                case AskBars():
                    return await self._bars(asked)
                case AskTicks():
                    return await self._ticks(asked)
                case TakeSnapshot():
                    return await self._snapshot(asked)
                case ListGroups():
                    return await self._groups()
        except (ValueError, ArithmeticError) as error:
            raise InquiryRefusedError(f"the broker's answer cannot be read: {error}") from error

    def heard_part(self, request_id: int, part: Any) -> None:
        """A part of an answer came; beyond a bound parts are dropped, for nobody can take so many."""
        waiting = self._waiting.get(request_id)
        if waiting is not None and len(waiting.parts) < PARTS_MAX:
            waiting.parts.append(part)

    def heard_all(self, request_id: int) -> None:
        """An answer is whole."""
        waiting = self._waiting.get(request_id)
        if waiting is not None and not waiting.is_over:
            waiting.is_over = True
            self._session.answered(_part(request_id))

    def heard_rule(self, rule_id: int, increments: Sequence[RawIncrement]) -> None:
        """The bands of a market rule came."""
        if len(self._rules) < RULES_MAX:
            self._rules[rule_id] = bands(increments)
        self._session.answered(_rule(rule_id))

    def heard_data_type(self, request_id: int, data_type: int) -> None:
        """A snapshot is of live or of delayed data."""
        waiting = self._waiting.get(request_id)
        if waiting is not None:
            waiting.is_delayed = data_type in _DELAYED_TYPES

    def refused(self, request_id: int, code: int, message: str) -> None:
        """The broker told an error about an inquiry; what only informs does not end it."""
        waiting = self._waiting.get(request_id)
        if waiting is None or waiting.is_over or meaning_of(code).fault is FaultClass.INFORMATION:
            log.debug("inquiry %d: %d %s", request_id, code, message)
            return
        waiting.refusal = code, message
        self.heard_all(request_id)

    def heard_groups(self, kind: int, document: str) -> None:
        """The groups of an adviser came."""
        if kind == GROUPS and self._asked_groups is not None:
            self._asked_groups.parts.append(document)
            self._session.answered(_GROUPS)

    def refused_groups(self, code: int, message: str) -> bool:
        """True when an error without a request was about an adviser's groups that are asked for."""
        if self._asked_groups is None or code not in NO_GROUPS:
            return False
        self._asked_groups.refusal = code, message
        self._session.answered(_GROUPS)
        return True

    async def _groups(self) -> ToldGroups:
        # An answer names no request: two that ask would wait under one name.
        async with self._one_groups:
            waiting = self._asked_groups = _Waiting()
            try:
                await self._session.ask(
                    _GROUPS,
                    lambda client: client.requestFA(GROUPS),
                    timeout_s=self._timeouts.details_s,
                )
            finally:
                self._asked_groups = None
        if waiting.refusal is not None:
            self._refuse(*waiting.refusal)
        return ToldGroups(groups=read_groups("".join(waiting.parts[:1])))

    async def _search(self, asked: SearchContracts) -> ContractHits:
        wait_s = self._pace.reserve_search(self._now())
        if wait_s > self._timeouts.pace_wait_s:
            raise BrokerBusyError("too many searches wait for the broker already")
        await asyncio.sleep(wait_s)
        waiting = await self._ask(
            lambda client, number: client.reqMatchingSymbols(number, asked.pattern), timeout_s=self._timeouts.details_s
        )
        return ContractHits(hits=tuple(contract_hit(raw) for raw in waiting.parts))

    async def _describe(self, asked: DescribeContracts) -> ToldContracts:
        contract = self._library.query(query_fields(asked.query))
        waiting = await self._ask(
            lambda client, number: client.reqContractDetails(number, contract), timeout_s=self._timeouts.details_s
        )
        told: list[ToldContract] = []
        for raw in waiting.parts[:CONTRACTS_MAX]:
            found = told_contract(raw, await self._bands(raw))
            if found is not None:
                told.append(found)
        return ToldContracts(contracts=tuple(told), is_cut=len(waiting.parts) > CONTRACTS_MAX)

    async def _bands(self, details: RawDetails) -> tuple[PriceBand, ...]:
        rule_id = market_rule_of(details)
        if rule_id is None:
            return ()
        async with self._one_rule:
            if rule_id not in self._rules:
                await self._ask_rule(rule_id, details.contract.localSymbol)
        return self._rules.get(rule_id, ())

    async def _ask_rule(self, rule_id: int, of: str) -> None:
        try:
            await self._session.ask(
                _rule(rule_id),
                lambda client: client.reqMarketRule(rule_id),
                priority=Priority.MARKET_DATA,
                timeout_s=self._timeouts.rule_s,
            )
        except BrokerTimedOutError:
            # A rule that the broker does not know is answered under no number of ours: the tick has to do.
            log.warning("market rule %d of %s was not told", rule_id, of)
            self._rules[rule_id] = ()

    async def _list_options(self, asked: ListOptions) -> OptionClasses:
        named = contract_fields(asked.contract)
        waiting = await self._ask(
            lambda client, number: client.reqSecDefOptParams(number, named.symbol, "", named.secType, named.conId),
            timeout_s=self._timeouts.details_s,
        )
        return OptionClasses(
            classes=tuple(
                option_class(raw.exchange, raw.trading_class, raw.multiplier, raw.expirations, raw.strikes)
                for raw in waiting.parts
            )
        )

    async def _bars(self, asked: AskBars) -> Bars:
        fields, contract = bars_fields(asked), self._library.contract(contract_fields(asked.contract))
        begun = self._clock.now()
        waiting = await self._ask_history(
            (asked.contract.contract_id, fields),
            lambda client, number: client.reqHistoricalData(
                number,
                contract,
                fields.endDateTime,
                fields.durationStr,
                fields.barSizeSetting,
                fields.whatToShow,
                fields.useRTH,
                _EPOCHS,
                False,
                [],
            ),
            timeout_s=self._timeouts.history_s,
            cancel=lambda client, number: client.cancelHistoricalData(number),
        )
        return Bars(bars=bars_of(asked, waiting.parts), whole_until=begun)

    async def _ticks(self, asked: AskTicks) -> PastTicks:
        fields, contract = ticks_fields(asked), self._library.contract(contract_fields(asked.contract))
        waiting = await self._ask_history(
            (asked.contract.contract_id, fields),
            lambda client, number: client.reqHistoricalTicks(
                number,
                contract,
                fields.startDateTime,
                fields.endDateTime,
                fields.numberOfTicks,
                fields.whatToShow,
                False,
                False,
                [],
            ),
            timeout_s=self._timeouts.history_s,
        )
        return PastTicks(ticks=ticks_of(asked, waiting.parts))

    async def _snapshot(self, asked: TakeSnapshot) -> MarketSnapshot:
        contract = self._library.contract(contract_fields(asked.contract))
        number = self._next
        self.snapshots.open(number, asked.contract)
        try:
            waiting = await self._ask(
                lambda client, at: client.reqMktData(at, contract, "", True, False, []),
                timeout_s=self._timeouts.snapshot_s,
                takes_what_came=True,
            )
            tick = self.snapshots.tick(number)
        finally:
            self.snapshots.close(number)
        if tick is None:
            raise BrokerTimedOutError("the broker told nothing of the market in time")
        return MarketSnapshot(
            bid=tick.bid,
            bid_size=tick.bid_size,
            ask=tick.ask,
            ask_size=tick.ask_size,
            last=tick.last,
            last_size=tick.last_size,
            volume=tick.volume,
            high=tick.high,
            low=tick.low,
            previous_close=tick.previous_close,
            time=tick.time,
            is_delayed=waiting.is_delayed,
        )

    async def _ask_history(
        self,
        asked: tuple[int, object],
        write: Callable[[Client, int], None],
        *,
        timeout_s: float,
        cancel: Callable[[Client, int], None] | None = None,
    ) -> _Waiting:
        pace, contract_id, now = self._pace, asked[0], self._now()
        wait_s = pace.reserve_history(now, contract_id, asked, wait_s_max=self._timeouts.pace_wait_s)
        if wait_s is None:
            raise HistoryPacedError(pace.history_wait_s(now, contract_id, asked))
        await asyncio.sleep(wait_s)
        await pace.turn.acquire()
        has_turn = True

        def pass_on() -> None:
            nonlocal has_turn
            if has_turn:
                has_turn = False
                pace.turn.release()

        def paced(client: Client, number: int) -> None:
            pace.wrote_history(self._now(), contract_id, asked)
            pass_on()
            write(client, number)

        try:
            # Those before may have been written later than they were expected to be.
            await asyncio.sleep(pace.write_wait_s(self._now(), contract_id, asked))
            return await self._ask(paced, timeout_s=timeout_s, priority=Priority.HISTORY, cancel=cancel)
        finally:
            pass_on()

    async def _ask(
        self,
        write: Callable[[Client, int], None],
        *,
        timeout_s: float,
        priority: Priority = Priority.MARKET_DATA,
        takes_what_came: bool = False,
        cancel: Callable[[Client, int], None] | None = None,
    ) -> _Waiting:
        number = self._next
        self._next += 1
        waiting = self._waiting[number] = _Waiting()
        try:
            await self._session.ask(
                _part(number), lambda client: write(client, number), priority=priority, timeout_s=timeout_s
            )
        except BrokerTimedOutError:
            if cancel is not None and self._session.is_open:
                self._session.submit(Priority.HISTORY, lambda client: cancel(client, number))
            if not takes_what_came:
                raise
        finally:
            del self._waiting[number]
        if waiting.refusal is not None:
            self._refuse(*waiting.refusal)
        return waiting

    def _refuse(self, code: int, message: str) -> None:
        told = message.lower()
        if code == _NO_HISTORY and any(words in told for words in _NO_DATA):
            return
        if code == _NO_HISTORY and _PACED in told:
            raise HistoryPacedError(self._timeouts.paced_again_s)
        raise InquiryRefusedError(f"{code} {message}", brokerCode=code)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


_EPOCHS = 2
_GROUPS = "allocation groups"


def _part(number: int) -> str:
    return f"inquiry {number}"


def _rule(rule_id: int) -> str:
    return f"market rule {rule_id}"
