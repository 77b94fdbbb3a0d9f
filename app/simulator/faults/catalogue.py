"""Every fault there is, by its name."""

from typing import Any

from app.simulator.faults.behaviour import Behaviour
from app.simulator.faults.connections import Drop, FarmFlap, HalfOpen, Nonsense, Restart, StrayError, UpstreamLost
from app.simulator.faults.exchange_faults import (
    Assignment,
    Bust,
    Correction,
    FillAfterCancel,
    LateRejection,
    Locate,
    OrderByHand,
)
from app.simulator.faults.reports import (
    Commission,
    Delay,
    Duplicate,
    FillFirst,
    LatePermId,
    Notice,
    Reorder,
    Rollback,
    SilentFill,
    Unanswered,
)
from app.simulator.faults.requests import (
    ClientIdTaken,
    LineNotice,
    Pacing,
    RefusedCancel,
    RefusedModify,
    Swallow,
    WhatIfAnswers,
)

_KINDS: tuple[type[Behaviour[Any]], ...] = (
    Drop,
    HalfOpen,
    Restart,
    UpstreamLost,
    FarmFlap,
    ClientIdTaken,
    Rollback,
    Unanswered,
    Pacing,
    Nonsense,
    StrayError,
    Delay,
    Reorder,
    Duplicate,
    FillFirst,
    SilentFill,
    LatePermId,
    Commission,
    Notice,
    Swallow,
    RefusedModify,
    RefusedCancel,
    Locate,
    LateRejection,
    FillAfterCancel,
    Correction,
    Bust,
    Assignment,
    OrderByHand,
    WhatIfAnswers,
    LineNotice,
)

FAULTS: dict[str, type[Behaviour[Any]]] = {kind.name: kind for kind in _KINDS}


def meaning_of(name: str) -> str:
    """What the fault does, in a sentence."""
    return (FAULTS[name].__doc__ or "").strip()
