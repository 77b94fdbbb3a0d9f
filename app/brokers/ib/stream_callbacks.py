"""What the decoder calls with what comes of streams: bars of five seconds, and ticks one by one."""

from typing import Any, Protocol

from app.brokers.ib.streams import Streams


class StreamListener(Protocol):
    """Whose streams they are."""

    streams: Streams


class StreamCallbacks:
    """The part of the client's wrapper that streams go to."""

    _listener: Any

    def realtimeBar(
        self,
        reqId: int,
        time: int,
        open_: float,
        high: float,
        low: float,
        close: float,
        volume: float,
        wap: float,
        count: int,
    ) -> None:
        self._streams.heard_bar(reqId, (time, open_, high, low, close, volume, wap, count))

    def tickByTickAllLast(
        self,
        reqId: int,
        tickType: int,
        time: int,
        price: float,
        size: float,
        tickAttribLast: object,
        exchange: str,
        specialConditions: str,
    ) -> None:
        self._streams.heard_trade(reqId, time, price, size, exchange, specialConditions)

    def tickByTickBidAsk(
        self,
        reqId: int,
        time: int,
        bidPrice: float,
        askPrice: float,
        bidSize: float,
        askSize: float,
        tickAttribBidAsk: object,
    ) -> None:
        self._streams.heard_touch(reqId, time, bidPrice, askPrice, bidSize, askSize)

    def tickByTickMidPoint(self, reqId: int, time: int, midPoint: float) -> None:
        self._streams.heard_middle(reqId, time, midPoint)

    @property
    def _streams(self) -> Streams:
        streams: Streams = self._listener.streams
        return streams
