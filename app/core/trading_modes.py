"""Trading modes: what a halt lets through, whom it covers, and which of several holds."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from app.core.ids import AccountId, InstrumentId, StrategyId


class HaltScope(StrEnum):
    """What a halt covers: a whole tenant, or its orders of one account, strategy or instrument."""

    TENANT = "TENANT"
    ACCOUNT = "ACCOUNT"
    STRATEGY = "STRATEGY"
    INSTRUMENT = "INSTRUMENT"


class TradingMode(StrEnum):
    """ACTIVE lets all orders through, REDUCE_ONLY those that only make a position smaller, HALTED none. Cancels pass
    in every mode.
    """

    ACTIVE = "ACTIVE"
    REDUCE_ONLY = "REDUCE_ONLY"
    HALTED = "HALTED"

    @property
    def strictness(self) -> int:
        """0 for the mode that lets most through; the higher of two holds."""
        return _STRICTNESS[self]


_STRICTNESS = {TradingMode.ACTIVE: 0, TradingMode.REDUCE_ONLY: 1, TradingMode.HALTED: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class HaltTarget:
    """What is halted. target_id names the account, strategy or instrument; None with TENANT and only then."""

    scope: HaltScope
    target_id: UUID | None = None

    def covers(
        self, account_ids: Collection[AccountId], instrument_id: InstrumentId, strategy_id: StrategyId | None = None
    ) -> bool:
        """True for an order in the instrument that trades for any of these accounts, by the strategy if by one."""
        match self.scope:
            case HaltScope.TENANT:
                return True
            case HaltScope.ACCOUNT:
                return self.target_id in account_ids
            case HaltScope.STRATEGY:
                return strategy_id is not None and self.target_id == strategy_id
            case HaltScope.INSTRUMENT:
                return self.target_id == instrument_id


@dataclass(frozen=True, slots=True, kw_only=True)
class HaltInForce:
    """A halt that was not released, as the order path reads it."""

    target: HaltTarget
    mode: TradingMode


def strictest_mode(
    halts: Iterable[HaltInForce],
    account_ids: Collection[AccountId],
    instrument_id: InstrumentId,
    strategy_id: StrategyId | None = None,
) -> TradingMode:
    """The mode that holds for an order: the strictest of the halts that cover it, ACTIVE where none does."""
    modes = (one.mode for one in halts if one.target.covers(account_ids, instrument_id, strategy_id))
    return max(modes, key=lambda mode: mode.strictness, default=TradingMode.ACTIVE)


def halt_from_document(document: Mapping[str, Any]) -> HaltInForce:
    """The halt of a document with scope, target and mode."""
    target = document["target"]
    return HaltInForce(
        target=HaltTarget(scope=HaltScope(document["scope"]), target_id=None if target is None else UUID(target)),
        mode=TradingMode(document["mode"]),
    )
