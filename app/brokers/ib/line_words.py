"""What IB's codes about a market data line mean, in plain words. They are states of a line, not failures of it.

Source: https://interactivebrokers.github.io/tws-api/message_codes.html, and reports of users for those above 10000.
"""

from typing import Final

from app.brokers.ib.codes import meaning_of
from app.brokers.streams import StreamStand
from app.core.fix import LineState
from app.core.messages import FaultClass

_STATES: Final[dict[int, tuple[LineState, str]]] = {
    101: (LineState.EXHAUSTED, "All market data lines of the gateway's user are taken."),
    200: (LineState.REFUSED, "The broker does not know this contract."),
    300: (LineState.REFUSED, "The broker has no such market data line."),
    354: (LineState.REFUSED, "The user at the broker has no subscription for this market, and delayed data is off."),
    10089: (LineState.REFUSED, "This market needs a paid subscription for the API at the broker."),
    10090: (LineState.DELAYED, "Part of this market is not subscribed at the broker: what is not comes delayed."),
    10091: (LineState.REFUSED, "Part of this market needs a paid subscription for the API at the broker."),
    10167: (LineState.DELAYED, "The user at the broker has no subscription for this market: its data is delayed."),
    10168: (LineState.REFUSED, "The user at the broker has no subscription for this market, and delayed data is off."),
    10186: (LineState.REFUSED, "The user at the broker has no subscription for this market, and delayed data is off."),
    10197: (LineState.REFUSED, "Another session of the same user at the broker takes the live market data."),
}

# Of bars of five seconds and of single ticks; the words of 420 and 10189 say themselves what is wrong.
_STREAM_STATES: Final[dict[int, tuple[LineState, str | None]]] = {
    162: (LineState.REFUSED, None),
    420: (LineState.REFUSED, None),
    10189: (LineState.REFUSED, None),
    10190: (LineState.EXHAUSTED, "The broker allows no more streams of single ticks at once."),
    10225: (LineState.OPENING, "The broker corrected its data and ended the stream: it is asked for anew."),
}
_PACED: Final = "pacing violation"

_TYPES: Final[dict[int, tuple[LineState, str | None]]] = {
    1: (LineState.LIVE, None),
    2: (LineState.FROZEN, "The market is closed: these are its last values."),
    3: (LineState.DELAYED, "The data is delayed, by 10 to 20 minutes at most markets."),
    4: (LineState.FROZEN, "The market is closed: these are its last values, delayed."),
}


def state_of_code(code: int) -> tuple[LineState, str] | None:
    """What a code about a line makes of it, in plain words; None for a code that changes nothing of it."""
    return _STATES.get(code)


def codes_of(state: LineState) -> list[int]:
    """The codes that bring a line into the state."""
    return [code for code, (stands, _) in _STATES.items() if stands is state]


def state_of_type(data_type: int) -> tuple[LineState, str | None] | None:
    """What a type of market data makes of a line; None for a type that nobody wrote down."""
    return _TYPES.get(data_type)


def stand_of_stream(code: int, message: str) -> StreamStand | None:
    """How a stream stands after a code about it, in plain words; None for what only informs.

    Streams are told live or not at all: IB has no delayed bars of five seconds, nor delayed single ticks.
    """
    if _PACED in message.lower():
        detail = "The broker says that bars and history were asked for too often: it is asked for again soon."
        return StreamStand(state=LineState.OPENING, detail=detail, broker_code=code)
    found: tuple[LineState, str | None] | None = _STREAM_STATES.get(code)
    if found is None:
        known = state_of_code(code)
        if known is None and meaning_of(code).fault is FaultClass.INFORMATION:
            return None
        found = (LineState.REFUSED, None) if known is None else known
        if found[0] is LineState.DELAYED:
            found = LineState.REFUSED, "The market is not subscribed at the broker: delayed, it has no such stream."
    state, words = found
    return StreamStand(state=state, detail=words or f"The broker refuses it: {message}", broker_code=code)
