"""Restrictions on what may be dealt: what an entry of a list covers, and what that means for an order."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from app.compliance.errors import COMPLIANCE_MEANING, ComplianceProblem
from app.core.errors import Problem
from app.core.ids import AccountId, InstrumentId, ListEntryId, OrderId, RestrictedListId, TenantId
from app.core.messages import Instrument


class RestrictionKind(StrEnum):
    """NO_TRADE lets nothing through, NO_BUY only what makes a position smaller; NOTIFY lets all pass and tells."""

    NO_TRADE = "NO_TRADE"
    NO_BUY = "NO_BUY"
    NOTIFY = "NOTIFY"


class RestrictedAct(StrEnum):
    """What was asked of a restricted name."""

    PLACE = "PLACE"
    MODIFY = "MODIFY"
    RELEASE = "RELEASE"
    APPROVE = "APPROVE"


class AlertOutcome(StrEnum):
    """What became of what was asked."""

    BLOCKED = "BLOCKED"
    NOTIFIED = "NOTIFIED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """An entry of an active list as the intake reads it; it names an instrument, or a symbol in capital letters.

    A symbol is that of any exchange, and of what an option or a future is on. From valid_from up to, and without,
    valid_until it holds; None leaves a side open.
    """

    list_id: RestrictedListId
    entry_id: ListEntryId
    kind: RestrictionKind
    reason: str
    is_reason_visible: bool
    instrument_id: InstrumentId | None = None
    symbol: str | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None

    def covers(self, instrument: Instrument) -> bool:
        """True for an instrument that the entry names."""
        return self.instrument_id == instrument.id or self.symbol in symbols_of(instrument)

    def holds(self, at: datetime) -> bool:
        """True while the entry is in force."""
        return (self.valid_from is None or self.valid_from <= at) and (
            self.valid_until is None or at < self.valid_until
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RestrictionVerdict:
    """What the lists say of an order: the entries that it touched, and the refusal where one of them keeps it out."""

    touched: tuple[Restriction, ...] = ()
    refusal: Problem | None = None

    @property
    def outcome(self) -> AlertOutcome:
        """What became of the order."""
        return AlertOutcome.NOTIFIED if self.refusal is None else AlertOutcome.BLOCKED


UNRESTRICTED = RestrictionVerdict()


@dataclass(frozen=True, slots=True, kw_only=True)
class RestrictionAlert:
    """A touch of a restricted name, for compliance alone to see."""

    tenant_id: TenantId
    id: UUID
    act: RestrictedAct
    outcome: AlertOutcome
    kind: RestrictionKind
    list_id: RestrictedListId
    entry_id: ListEntryId
    order_id: OrderId
    account_id: AccountId
    instrument_id: InstrumentId
    acted_by: str
    created_at: datetime


def symbols_of(instrument: Instrument) -> frozenset[str]:
    """The symbols under which a list may name an instrument, in capital letters."""
    names = (instrument.symbol, instrument.underlying_symbol)
    return frozenset(name.upper() for name in names if name)


def judge(
    restrictions: Iterable[Restriction], instrument: Instrument, *, at: datetime, adds_risk: bool
) -> RestrictionVerdict:
    """What the restrictions say of an order for the instrument; adds_risk unless it only makes a position smaller.

    The reason of a refusal is told where its list says so; a restriction of a secret list is told as no more than one
    of compliance, and one that only notifies is told to nobody who trades.
    """
    touched = tuple(one for one in restrictions if one.holds(at) and one.covers(instrument))
    refusing = [
        one
        for one in touched
        if one.kind is RestrictionKind.NO_TRADE or (one.kind is RestrictionKind.NO_BUY and adds_risk)
    ]
    told = next((one for one in refusing if one.is_reason_visible), None)
    alarming = tuple(one for one in touched if one in refusing or one.kind is RestrictionKind.NOTIFY)
    if not refusing:
        return RestrictionVerdict(touched=alarming)
    return RestrictionVerdict(touched=alarming, refusal=_refusal(told))


def _refusal(told: Restriction | None) -> Problem:
    if told is None:
        code = ComplianceProblem.COMPLIANCE_REFUSED
        return Problem(code=code.value, message=COMPLIANCE_MEANING[code], path=("instrumentId",))
    code = (
        ComplianceProblem.COMPLIANCE_RESTRICTED
        if told.kind is RestrictionKind.NO_TRADE
        else ComplianceProblem.COMPLIANCE_NO_ADDING
    )
    return Problem(code=code.value, message=f"{COMPLIANCE_MEANING[code]}: {told.reason}", path=("instrumentId",))
