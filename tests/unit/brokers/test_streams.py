"""The streams of sessions beside each other, at a gateway that only listens."""

from collections.abc import Callable
from typing import cast
from uuid import UUID

from app.brokers.ib.inquiry_pace import InquiryPace
from app.brokers.ib.library import Client, Library
from app.brokers.ib.session import IbSession
from app.brokers.ib.stream_pace import StreamPace
from app.brokers.ib.streams import Streams
from app.core.fix import InstrumentType, LineState, StreamKind
from app.core.ids import InstrumentId
from app.core.messages import Contract
from app.core.streaming import StreamKey, StreamWish


class Listening:
    """A session that takes every request and hears nothing."""

    is_open = True

    def submit(self, priority: object, write: Callable[[Client], None], *, key: object = None) -> None:
        """Nothing is written."""


def streams(pace: StreamPace) -> Streams:
    """The streams of one more session with the gateway of that pace."""
    session = cast(IbSession, Listening())
    return Streams(session, Library("ib_async"), InquiryPace(), pace, lines_max=100)


def wish(number: int) -> StreamWish:
    """A wish for the single trades of an instrument."""
    instrument_id = InstrumentId(UUID(int=number))
    contract = Contract(
        instrument_id=instrument_id,
        contract_id=number,
        symbol=f"S{number}",
        instrument_type=InstrumentType.STOCK,
        exchange="SMART",
        currency="USD",
    )
    return StreamWish(key=StreamKey(instrument_id=instrument_id, kind=StreamKind.LAST), contract=contract)


def state_of(told: Streams, one: StreamWish) -> LineState:
    """How the stream was told to stand last."""
    return told.take().stands[one.key].state


async def test_streams_of_several_sessions_share_the_places_of_their_gateway() -> None:
    pace = StreamPace(tick_streams_max=2)
    firm, other, third = streams(pace), streams(pace), streams(pace)

    await firm.follow([wish(1)])
    await other.follow([wish(2)])
    await third.follow([wish(3)])
    left_out = state_of(third, wish(3))
    await firm.follow([])
    await third.follow([wish(3)])
    followed_again = state_of(third, wish(3))
    await firm.follow([wish(4)])

    assert left_out is LineState.EXHAUSTED
    assert followed_again is LineState.OPENING
    assert state_of(firm, wish(4)) is LineState.EXHAUSTED


async def test_who_follows_what_is_closed_all_the_same_learns_of_the_hole() -> None:
    followed = streams(StreamPace())
    await followed.follow([wish(1)])
    followed.take()

    await followed.follow([])

    assert followed.take().gaps == {wish(1).key}
