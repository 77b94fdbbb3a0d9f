"""Our books held against the broker's: what differs, what of it is news, and what a difference freezes. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, Literal

from app.core.ids import AccountId, AdjustmentId, BreakId, InstrumentId, OrderId, ReconciliationId
from app.core.messages import BrokerPosition, OrderAddress, StatusReport
from app.core.money import ZERO, plain

COST_TOLERANCE: Final = Decimal("0.01")
"""By how much of the broker's average cost ours may differ, beyond the commissions that the broker counts into it."""


class Occasion(StrEnum):
    """Why the books are compared."""

    CONNECT = "CONNECT"
    RECONNECT = "RECONNECT"
    DEMAND = "DEMAND"
    SWEEP = "SWEEP"


class BreakKind(StrEnum):
    """What may differ between our books and the broker's."""

    POSITION_QUANTITY = "POSITION_QUANTITY"
    UNKNOWN_INSTRUMENT = "UNKNOWN_INSTRUMENT"
    AVERAGE_COST = "AVERAGE_COST"
    ORDER_UNKNOWN_AT_BROKER = "ORDER_UNKNOWN_AT_BROKER"
    ORDER_UNKNOWN_TO_US = "ORDER_UNKNOWN_TO_US"
    EXTERNAL_ORDER = "EXTERNAL_ORDER"
    COMMISSION_MISSING = "COMMISSION_MISSING"


class BreakSeverity(StrEnum):
    """How much a difference matters. CRITICAL freezes the account's instrument, WARNING needs a person."""

    NOTICE = "NOTICE"
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"


class BreakState(StrEnum):
    """Where a break stands: OPEN, RESOLVED by a person, or VANISHED by itself."""

    OPEN = "OPEN"
    RESOLVED = "RESOLVED"
    VANISHED = "VANISHED"


class BreakAction(StrEnum):
    """How a person ends a break."""

    ADJUST = "ADJUST"
    ACCEPT_BROKER = "ACCEPT_BROKER"
    IGNORE = "IGNORE"


SEVERITY: Final[dict[BreakKind, BreakSeverity]] = {
    BreakKind.POSITION_QUANTITY: BreakSeverity.CRITICAL,
    BreakKind.UNKNOWN_INSTRUMENT: BreakSeverity.WARNING,
    BreakKind.AVERAGE_COST: BreakSeverity.NOTICE,
    BreakKind.ORDER_UNKNOWN_AT_BROKER: BreakSeverity.WARNING,
    BreakKind.ORDER_UNKNOWN_TO_US: BreakSeverity.WARNING,
    BreakKind.EXTERNAL_ORDER: BreakSeverity.NOTICE,
    BreakKind.COMMISSION_MISSING: BreakSeverity.NOTICE,
}

MEANING: Final[dict[BreakKind, str]] = {
    BreakKind.POSITION_QUANTITY: "We and the broker hold different quantities of an instrument.",
    BreakKind.UNKNOWN_INSTRUMENT: "The broker holds something that is none of the tenant's instruments.",
    BreakKind.AVERAGE_COST: "The quantities agree, and the average cost differs by more than 1%.",
    BreakKind.ORDER_UNKNOWN_AT_BROKER: "The broker does not know an order that we take for alive.",
    BreakKind.ORDER_UNKNOWN_TO_US: "The broker works an order that cannot be imported: its instrument or its kind is "
    "not known here.",
    BreakKind.EXTERNAL_ORDER: "An order that was not placed here works in the account; it was imported.",
    BreakKind.COMMISSION_MISSING: "The broker was asked several times what an execution cost, and did not tell.",
}

ACTIONS: Final[dict[BreakKind, frozenset[BreakAction]]] = {
    BreakKind.POSITION_QUANTITY: frozenset(BreakAction),
    BreakKind.UNKNOWN_INSTRUMENT: frozenset({BreakAction.IGNORE}),
    BreakKind.AVERAGE_COST: frozenset({BreakAction.IGNORE}),
    BreakKind.ORDER_UNKNOWN_AT_BROKER: frozenset({BreakAction.ACCEPT_BROKER}),
    BreakKind.ORDER_UNKNOWN_TO_US: frozenset({BreakAction.IGNORE}),
    BreakKind.EXTERNAL_ORDER: frozenset({BreakAction.IGNORE}),
    BreakKind.COMMISSION_MISSING: frozenset({BreakAction.IGNORE}),
}
"""What a person may do about each kind."""

_BY_POSITION = frozenset({BreakKind.POSITION_QUANTITY, BreakKind.UNKNOWN_INSTRUMENT, BreakKind.AVERAGE_COST})


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the broker said of an account at a moment, and what may still be on its way.

    in_flight are contracts that were dealt in so shortly before that the broker's word and ours may be of different
    moments: nothing is concluded of them. seen_before has the differences of the look before, by subject: what is not
    among them is not yet a break; None where one look is enough, because it is complete. open_orders is None where
    they were not asked for. unknown_orders are those that sweeps did not find; uncharged the executions of which the
    broker was asked in vain what they cost; execution_roots what a snapshot told, to count what is new.
    """

    occasion: Occasion
    started_at: datetime
    taken_at: datetime
    positions: tuple[BrokerPosition, ...]
    in_flight: frozenset[int] = frozenset()
    seen_before: Mapping[str, str] | None = None
    open_orders: tuple[StatusReport, ...] | None = None
    unknown_orders: frozenset[OrderId] = frozenset()
    uncharged: frozenset[str] = frozenset()
    execution_roots: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What came of a comparison: its id, the breaks that are open, and differences that the next look may confirm."""

    id: ReconciliationId
    open_breaks: int
    new_breaks: int
    unconfirmed: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileNow:
    """The question to a connector to compare an account's books with the broker's now."""

    kind: Literal["RECONCILE"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What we hold of an instrument; contract_id is the broker's id of it, None where it has none.

    commission is all that dealing in it has cost.
    """

    instrument_id: InstrumentId
    contract_id: int | None
    symbol: str
    quantity: Decimal
    average_price: Decimal
    multiplier: Decimal
    commission: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One difference. Its kind and subject tell it from others, `difference` whether it is still the same."""

    kind: BreakKind
    subject: str
    difference: str
    ours: Mapping[str, Any] | None
    broker: Mapping[str, Any] | None
    instrument_id: InstrumentId | None = None
    order_id: OrderId | None = None

    @property
    def severity(self) -> BreakSeverity:
        """How much it matters."""
        return SEVERITY[self.kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """A break as the ledger has it: evidence as of last_seen_at, the broker's as it told at snapshot_at.

    looks counts the comparisons that found it. is_muted: a person ignored it, and nothing is said while it stays the
    same.
    """

    id: BreakId
    account_id: AccountId
    kind: BreakKind
    subject: str
    severity: BreakSeverity
    difference: str
    ours: Mapping[str, Any] | None
    broker: Mapping[str, Any] | None
    instrument_id: InstrumentId | None
    order_id: OrderId | None
    state: BreakState
    is_freezing: bool
    is_muted: bool = False
    looks: int = 1
    action: BreakAction | None = None
    reason: str | None = None
    resolved_by: str | None = None
    adjustment_id: AdjustmentId | None = None
    found_at: datetime
    last_seen_at: datetime
    snapshot_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """One comparison, or a run of sweeps that found the same: `looks` counts them, finished_at is the last."""

    id: ReconciliationId
    account_id: AccountId
    occasion: Occasion
    started_at: datetime
    finished_at: datetime
    orders_checked: int
    positions_checked: int
    positions_in_flight: int
    executions_imported: int
    breaks_open: int
    looks: int


@dataclass(slots=True, kw_only=True)
class Ledger:
    """What a comparison changes of the ledger."""

    new: list[Finding] = field(default_factory=list)
    seen: list[tuple[Break, Finding]] = field(default_factory=list)
    vanished: list[Break] = field(default_factory=list)
    unmuted: list[Break] = field(default_factory=list)
    unconfirmed: dict[str, str] = field(default_factory=dict)

    @property
    def is_news(self) -> bool:
        """True when a break opened or ended."""
        return bool(self.new or self.vanished)


def position_findings(
    ours: Iterable[Holding], told: Iterable[BrokerPosition], in_flight: frozenset[int]
) -> list[Finding]:
    """The differences over the union of both sides; what is in flight is left out.

    ours has every instrument that is held or told and known here.
    """
    broker = {position.contract_id: position for position in told}
    findings: list[Finding] = []
    known: set[int] = set()
    for holding in ours:
        contract_id = holding.contract_id
        if contract_id is not None:
            known.add(contract_id)
            if contract_id in in_flight:
                continue
        position = None if contract_id is None else broker.get(contract_id)
        findings += _held_findings(holding, position)
    for contract_id, position in broker.items():
        if contract_id not in known and contract_id not in in_flight and position.quantity:
            findings.append(
                Finding(
                    kind=BreakKind.UNKNOWN_INSTRUMENT,
                    subject=f"contract:{contract_id}",
                    difference=plain(position.quantity),
                    ours=None,
                    broker=_told(position),
                )
            )
    return findings


def _held_findings(holding: Holding, position: BrokerPosition | None) -> list[Finding]:
    quantity = ZERO if position is None else position.quantity
    held = {"quantity": plain(holding.quantity), "averagePrice": plain(holding.average_price)}
    told = {"quantity": "0"} if position is None else _told(position)
    subject = f"instrument:{holding.instrument_id}"
    if quantity != holding.quantity:
        return [
            Finding(
                kind=BreakKind.POSITION_QUANTITY,
                subject=subject,
                difference=plain(quantity - holding.quantity),
                ours=held,
                broker=told,
                instrument_id=holding.instrument_id,
            )
        ]
    if position is None or not quantity:
        return []
    cost = holding.average_price * holding.multiplier
    charged = abs(holding.commission / quantity)
    if abs(position.average_cost - cost) <= abs(position.average_cost) * COST_TOLERANCE + charged:
        return []
    # The broker's average moves with each commission: which of them is meant does not depend on by how much.
    return [
        Finding(
            kind=BreakKind.AVERAGE_COST,
            subject=subject,
            difference="cost",
            ours=held,
            broker=told,
            instrument_id=holding.instrument_id,
        )
    ]


def _told(position: BrokerPosition) -> dict[str, Any]:
    return {
        "quantity": plain(position.quantity),
        "averageCost": plain(position.average_cost),
        "contractId": position.contract_id,
        "symbol": position.symbol,
    }


def address_document(address: OrderAddress) -> dict[str, Any]:
    """How the broker names an order, as evidence."""
    return {
        "orderRef": None if address.order_id is None else str(address.order_id),
        "permanentId": address.permanent_id,
        "clientId": address.client_id,
        "brokerOrderId": address.broker_order_id,
    }


def keep_ledger(
    held: Sequence[Break],
    findings: Iterable[Finding],
    *,
    is_checked: Callable[[Break], bool],
    seen_before: Mapping[str, str] | None,
) -> Ledger:
    """What the findings of a look do to the ledger.

    held are the breaks that are open or muted. What is found again stays the same break; one that is not found, and
    that the look could have found, has vanished. A difference of positions that nobody knew is a break at once where
    seen_before is None, else when the look before saw the same.
    """
    ledger = Ledger()
    by_name = {(one.kind, one.subject): one for one in held}
    found: set[tuple[BreakKind, str]] = set()
    for finding in findings:
        name = (finding.kind, finding.subject)
        found.add(name)
        known = by_name.get(name)
        if known is not None and (known.state is BreakState.OPEN or known.difference == finding.difference):
            ledger.seen.append((known, finding))
            continue
        mark = f"{finding.kind} {finding.subject}"
        if finding.kind in _BY_POSITION and seen_before is not None and seen_before.get(mark) != finding.difference:
            ledger.unconfirmed[mark] = finding.difference
            continue
        if known is not None:
            ledger.unmuted.append(known)
        ledger.new.append(finding)
    for one in held:
        if (one.kind, one.subject) in found or not is_checked(one):
            continue
        if one.state is BreakState.OPEN:
            ledger.vanished.append(one)
        else:
            ledger.unmuted.append(one)
    return ledger


def freezes(kind: BreakKind, instrument_id: InstrumentId | None) -> bool:
    """True when a break of the kind keeps new risk in the instrument out of the account while it is open."""
    return SEVERITY[kind] is BreakSeverity.CRITICAL and instrument_id is not None
