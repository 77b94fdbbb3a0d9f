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


class ContractMissingError(OmsError):
    """The instrument has no contract at the broker, so that nothing can be asked about it there."""

    code = "INSTRUMENT_WITHOUT_CONTRACT"

    def __init__(self, *path: str) -> None:
        super().__init__("The instrument has no contract at the broker.", path=path)


class ContractUnknownError(OmsError):
    """The broker deals no such contract, or none of a kind that is served."""

    code = "CONTRACT_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("The broker deals no such contract, or none of a kind that is served.")


class ContractSeveralError(OmsError):
    """Several contracts answer; facts carry the first of them."""

    code = "CONTRACT_AMBIGUOUS"

    def __init__(self, candidates: list[str], count: int) -> None:
        super().__init__(
            f"{count} contracts answer: say more, or name one by its contractId, such as {'; '.join(candidates)}.",
            candidates=candidates,
        )


class ContractExpiredError(OmsError):
    """The last day of the contract is over."""

    code = "CONTRACT_EXPIRED"

    def __init__(self) -> None:
        super().__init__("The last day of the contract is over.")


class InstrumentNameTakenError(OmsError):
    """Another contract goes by the same symbol, exchange and currency."""

    code = "INSTRUMENT_NAME_TAKEN"

    def __init__(self, symbol: str, contract_id: int) -> None:
        super().__init__(f"The instrument {symbol!r} is another contract of the broker's already: {contract_id}.")
