"""The question what an order would do to its account at the broker, and its answer, as they travel between processes.

Nothing of it is an order: it is stored nowhere, and an answer that comes too late means nothing.
"""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from pydantic import TypeAdapter

from app.brokers.reconciling import ReconcileNow
from app.core.errors import Problem
from app.core.fix import OrderType, Side
from app.core.ids import AccountId, ReconciliationId, TenantId
from app.core.messages import Contract, OrderTerms

QUESTIONS = "what-if:questions"
"""The channel on which every connector hears the questions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """An order as the broker is asked about it."""

    contract: Contract
    side: Side
    order_type: OrderType
    terms: OrderTerms
    outside_regular_hours: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIfAnswer:
    """What the broker says of an order; None for a figure that it does not tell.

    Margins are changes, in the account's base currency. A broker that cannot tell the commission may tell its bounds.
    warning is in the broker's words.
    """

    initial_margin_change: Decimal | None = None
    maintenance_margin_change: Decimal | None = None
    commission: Decimal | None = None
    commission_min: Decimal | None = None
    commission_max: Decimal | None = None
    commission_currency: str | None = None
    warning: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question on its way to whichever connector holds the account; its reply goes to a channel of the asker's."""

    id: UUID
    reply_to: str
    tenant_id: TenantId
    account_id: AccountId
    asked: WhatIf | ReconcileNow


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came of a question: an answer with the currency of its margins, or the reason why there is none.

    reconciliation_id is the answer to ReconcileNow.
    """

    id: UUID
    answer: WhatIfAnswer | None = None
    margin_currency: str | None = None
    reconciliation_id: ReconciliationId | None = None
    reason: Problem | None = None


_QUESTION = TypeAdapter(Question)
_REPLY = TypeAdapter(Reply)


def encode_question(question: Question) -> bytes:
    """The question as JSON."""
    return _QUESTION.dump_json(question)


def decode_question(payload: bytes) -> Question:
    """The question of such a document. Raises ValueError for any other."""
    return _QUESTION.validate_json(payload)


def encode_reply(reply: Reply) -> bytes:
    """The reply as JSON."""
    return _REPLY.dump_json(reply)


def decode_reply(payload: bytes) -> Reply:
    """The reply of such a document. Raises ValueError for any other."""
    return _REPLY.validate_json(payload)
