"""What the decoder calls with answers to inquiries: each is passed on under the number of its request."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from app.brokers.ib.contracts import RawDetails, RawHit, RawIncrement


@dataclass(frozen=True, slots=True)
class RawOptionClass:
    """One message of an option chain, its fields as the library decodes them."""

    exchange: str
    trading_class: str
    multiplier: str
    expirations: Sequence[str]
    strikes: Sequence[float]


class ReferenceListener(Protocol):
    """Who is told what came of inquiries."""

    def heard_part(self, request_id: int, part: Any) -> None: ...
    def heard_all(self, request_id: int) -> None: ...
    def heard_rule(self, rule_id: int, increments: Sequence[RawIncrement]) -> None: ...
    def heard_data_type(self, request_id: int, data_type: int) -> None: ...


class ReferenceCallbacks:
    """The part of the client's wrapper that answers to inquiries go to."""

    _listener: ReferenceListener

    def contractDetails(self, reqId: int, contractDetails: RawDetails) -> None:
        self._listener.heard_part(reqId, contractDetails)

    def bondContractDetails(self, reqId: int, contractDetails: RawDetails) -> None:
        self._listener.heard_part(reqId, contractDetails)

    def contractDetailsEnd(self, reqId: int) -> None:
        self._listener.heard_all(reqId)

    def symbolSamples(self, reqId: int, contractDescriptions: Sequence[RawHit]) -> None:
        for found in contractDescriptions:
            self._listener.heard_part(reqId, found)
        self._listener.heard_all(reqId)

    def marketRule(self, marketRuleId: int, priceIncrements: Sequence[RawIncrement]) -> None:
        self._listener.heard_rule(marketRuleId, priceIncrements)

    def securityDefinitionOptionParameter(
        self,
        reqId: int,
        exchange: str,
        underlyingConId: int,
        tradingClass: str,
        multiplier: str,
        expirations: Sequence[str],
        strikes: Sequence[float],
    ) -> None:
        self._listener.heard_part(reqId, RawOptionClass(exchange, tradingClass, multiplier, expirations, strikes))

    def securityDefinitionOptionParameterEnd(self, reqId: int) -> None:
        self._listener.heard_all(reqId)

    def historicalData(self, reqId: int, bar: Any) -> None:
        self._listener.heard_part(reqId, bar)

    def historicalDataEnd(self, reqId: int, start: str, end: str) -> None:
        self._listener.heard_all(reqId)

    def historicalTicks(self, reqId: int, ticks: Sequence[Any], done: bool) -> None:
        self._past_ticks(reqId, ticks, done)

    def historicalTicksBidAsk(self, reqId: int, ticks: Sequence[Any], done: bool) -> None:
        self._past_ticks(reqId, ticks, done)

    def historicalTicksLast(self, reqId: int, ticks: Sequence[Any], done: bool) -> None:
        self._past_ticks(reqId, ticks, done)

    def marketDataType(self, reqId: int, marketDataId: int) -> None:
        self._listener.heard_data_type(reqId, marketDataId)

    def tickSnapshotEnd(self, reqId: int) -> None:
        self._listener.heard_all(reqId)

    def _past_ticks(self, request_id: int, ticks: Sequence[Any], done: bool) -> None:
        for tick in ticks:
            self._listener.heard_part(request_id, tick)
        if done:
            self._listener.heard_all(request_id)
