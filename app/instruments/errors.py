"""What the room of instruments refuses."""

from app.core.errors import OmsError


class InstrumentUnknownError(OmsError):
    """The tenant has no instrument of that symbol, or none at that exchange."""

    code = "INSTRUMENT_NOT_FOUND"

    def __init__(self, symbol: str, *path: str) -> None:
        super().__init__(f"There is no instrument {symbol!r}.", path=path)


class InstrumentSeveralError(OmsError):
    """Several instruments bear the symbol; facts carry the exchanges."""

    code = "INSTRUMENT_AMBIGUOUS"

    def __init__(self, symbol: str, exchanges: list[str], *path: str) -> None:
        super().__init__(
            f"Several instruments bear the symbol {symbol!r}: name the exchange, one of {', '.join(exchanges)}.",
            path=path,
            exchanges=exchanges,
        )
