"""Typed adjustments: how a position moves without an execution, and a course of moves in the order of their time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

from app.core.ids import AccountId, AdjustmentId, InstrumentId, TenantId
from app.core.messages import Fill
from app.core.money import INTEGER_DIGITS_MAX, ZERO, rounded
from app.core.records import replace
from app.positions.domain.position import Position, apply_fill, book_realized

_QUANTITY_BELOW: Final = Decimal(10) ** INTEGER_DIGITS_MAX


class AdjustmentType(StrEnum):
    """Why a position moves without an execution."""

    ASSIGNMENT = "ASSIGNMENT"
    EXERCISE = "EXERCISE"
    EXPIRY = "EXPIRY"
    SPLIT = "SPLIT"
    TRANSFER = "TRANSFER"
    BALANCE = "BALANCE"


MEANING: Final[dict[AdjustmentType, str]] = {
    AdjustmentType.ASSIGNMENT: "A short option was assigned: `quantity` moves at `price` as a fill would, the option's "
    "leg at 0, the underlying's at the strike.",
    AdjustmentType.EXERCISE: "A long option was exercised: `quantity` moves at `price` as a fill would, the option's "
    "leg at 0, the underlying's at the strike.",
    AdjustmentType.EXPIRY: "The instrument has expired: `quantity` of the position, or all of it, closes at `price`, "
    "0 when not given, and realizes.",
    AdjustmentType.SPLIT: "`ratio` new units for an old one: the quantity times, the average price divided by it; "
    "nothing is realized.",
    AdjustmentType.TRANSFER: "Units came in at their cost `price`, or left: nothing is realized, and what is left "
    "keeps its average price. It does not go through zero.",
    AdjustmentType.BALANCE: "Our books were wrong: `quantity` is added, `price` becomes the average price where it is "
    "given; nothing is realized.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustmentTerms:
    """What is asked of a position. quantity is signed, price per unit in the instrument's currency.

    ratio is new units for an old one, of a SPLIT alone. effective_at is when it took place, which orders it among
    the executions.
    """

    account_id: AccountId
    instrument_id: InstrumentId
    type: AdjustmentType
    quantity: Decimal | None = None
    price: Decimal | None = None
    ratio: Decimal | None = None
    effective_at: datetime
    reason: str
    idempotency_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionAdjustment:
    """An adjustment as it was booked: its terms, who made it, what it did, behind which event of the account's log.

    after_sequence is 0 before the first event; place, from 1, orders those that follow the same event. The outcome is
    that of the booking; a correction of an earlier execution moves the position, not this row.
    """

    id: AdjustmentId
    terms: AdjustmentTerms
    quantity_before: Decimal
    quantity_after: Decimal
    average_price_before: Decimal
    average_price_after: Decimal
    realized_pnl: Decimal
    base_rate: Decimal | None
    realized_pnl_base: Decimal | None
    adjusted_by: str
    after_sequence: int
    place: int
    recorded_at: datetime

    @property
    def move(self) -> "Adjusting":
        """The adjustment as a move."""
        return Adjusting(
            id=self.id,
            at=self.terms.effective_at,
            recorded_at=self.recorded_at,
            terms=self.terms,
            base_rate=self.base_rate,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dealing:
    """An active execution as a move: base_rate is the one it was booked at."""

    id: UUID
    at: datetime
    recorded_at: datetime
    fill: Fill
    base_rate: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjusting:
    """An adjustment as a move."""

    id: UUID
    at: datetime
    recorded_at: datetime
    terms: AdjustmentTerms
    base_rate: Decimal | None


Move = Dealing | Adjusting


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What one move did: the position before and after it, and what it realized in both currencies."""

    move: Move
    before: Position
    after: Position
    realized: Decimal
    realized_base: Decimal | None


def adjustments_channel(tenant_id: TenantId) -> str:
    """The channel that tells of the adjustments of a tenant: each message has accountId and instrumentId of one."""
    return f"adjustments:{tenant_id}"


def replay(start: Position, moves: Iterable[Move], multiplier: Decimal) -> list[Moved]:
    """What moves do to a position, in the order of their time; of the same time, in the order of their booking."""
    done: list[Moved] = []
    position = start
    for move in sorted(moves, key=lambda one: (one.at, one.recorded_at, one.id)):
        before = position
        match move:
            case Dealing():
                position, realized = apply_fill(position, move.fill, multiplier)
            case Adjusting():
                position, realized = apply_adjustment(position, move.terms, multiplier)
        position, amount = book_realized(position, realized, move.base_rate)
        position = position.moved_at(move.at)
        done.append(Moved(move=move, before=before, after=position, realized=realized, realized_base=amount))
    return done


def after_all(start: Position, moved: Sequence[Moved]) -> Position:
    """The position at the end of a course of moves."""
    return moved[-1].after if moved else start


def apply_adjustment(position: Position, terms: AdjustmentTerms, multiplier: Decimal) -> tuple[Position, Decimal]:
    """The position after an adjustment, and what it realized. Total: what was booked once can be replayed always."""
    change, price = terms.quantity or ZERO, terms.price or ZERO
    match terms.type:
        case AdjustmentType.ASSIGNMENT | AdjustmentType.EXERCISE:
            return apply_fill(position, _fill(terms, change, price), multiplier)
        case AdjustmentType.EXPIRY:
            return apply_fill(position, _fill(terms, _expiring(position.quantity, terms.quantity), price), multiplier)
        case AdjustmentType.SPLIT:
            return _split(position, terms.ratio or Decimal(1)), ZERO
        case AdjustmentType.TRANSFER:
            moved, _ = apply_fill(position, _fill(terms, change, price), multiplier)
            return replace(moved, realized_pnl=position.realized_pnl), ZERO
        case AdjustmentType.BALANCE:
            return _balanced(position, change, terms.price), ZERO


def form_problem(terms: AdjustmentTerms, now: datetime) -> tuple[str, str] | None:
    """What is wrong with the terms by themselves: the field and a sentence; None for nothing."""
    is_split = terms.type is AdjustmentType.SPLIT
    if is_split != (terms.ratio is not None):
        return "ratio", "A SPLIT needs a ratio, and nothing else has one."
    if terms.ratio is not None and terms.ratio <= 0:
        return "ratio", "A ratio is above zero."
    if is_split and (terms.quantity is not None or terms.price is not None):
        return "quantity", "A SPLIT follows from its ratio alone."
    if not is_split and terms.type is not AdjustmentType.EXPIRY and not terms.quantity:
        return "quantity", "This needs a signed quantity other than zero."
    if terms.quantity == 0:
        return "quantity", "A quantity of zero moves nothing."
    if terms.price is not None and terms.price < 0:
        return "price", "A price is not below zero."
    if terms.type in {AdjustmentType.ASSIGNMENT, AdjustmentType.EXERCISE} and terms.price is None:
        return "price", "This needs a price: 0 for the option's leg, the strike for the underlying's."
    if terms.effective_at > now:
        return "effectiveAt", "An adjustment is booked once it has taken place."
    return None


def adjustment_problem(before: Position, after: Position, terms: AdjustmentTerms) -> tuple[str, str] | None:
    """What is wrong with the terms for the position that they meet: the field and a sentence; None for nothing."""
    held, change = before.quantity, terms.quantity
    if abs(after.quantity) >= _QUANTITY_BELOW or after.average_price >= _QUANTITY_BELOW:
        return "ratio" if terms.ratio else "quantity", "The position would be larger than can be stored."
    match terms.type:
        case AdjustmentType.ASSIGNMENT | AdjustmentType.EXERCISE:
            return None
        case AdjustmentType.EXPIRY:
            if held == 0:
                return "instrumentId", "There is no position that could expire."
            if change is not None and ((change > 0) == (held > 0) or abs(change) > abs(held)):
                return "quantity", "An expiry closes a part of the position or all of it."
        case AdjustmentType.SPLIT:
            if held == 0:
                return "instrumentId", "There is no position that could be split."
            if after.quantity == 0:
                return "ratio", "Nothing would be left of the position."
        case AdjustmentType.TRANSFER:
            if held and after.quantity and (held > 0) != (after.quantity > 0):
                return "quantity", "A transfer does not go through zero."
            if abs(after.quantity) > abs(held) and terms.price is None:
                return "price", "What comes in needs its cost."
        case AdjustmentType.BALANCE:
            is_opened = after.quantity != 0 and (held == 0 or (held > 0) != (after.quantity > 0))
            if is_opened and terms.price is None:
                return "price", "A position that opens needs an average price."
    return None


def _fill(terms: AdjustmentTerms, quantity: Decimal, price: Decimal) -> Fill:
    return Fill(instrument_id=terms.instrument_id, signed_quantity=quantity, price=price)


def _expiring(held: Decimal, asked: Decimal | None) -> Decimal:
    if asked is None or abs(asked) > abs(held):
        return -held
    return abs(asked) if held < 0 else -abs(asked)


def _split(position: Position, ratio: Decimal) -> Position:
    quantity = rounded(position.quantity * ratio)
    if quantity == 0:
        return replace(position, quantity=ZERO, average_price=ZERO)
    return replace(
        position, quantity=quantity, average_price=rounded(position.quantity * position.average_price / quantity)
    )


def _balanced(position: Position, change: Decimal, price: Decimal | None) -> Position:
    quantity = position.quantity + change
    if quantity == 0:
        return replace(position, quantity=ZERO, average_price=ZERO)
    return replace(position, quantity=quantity, average_price=position.average_price if price is None else price)
