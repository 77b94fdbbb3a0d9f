"""Questions to a broker and their replies, as they travel between processes.

They are stored nowhere, and an answer that comes too late means nothing.
"""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from pydantic import Field, TypeAdapter

from app.brokers.inquiries import Finding, Inquiry
from app.brokers.reconciling import ReconcileNow
from app.brokers.what_if import WhatIf, WhatIfAnswer
from app.core.errors import Problem
from app.core.ids import AccountId, ReconciliationId, TenantId

QUESTIONS = "broker:questions"
"""The channel on which every connector hears the questions."""

Asked = Annotated[WhatIf | Inquiry, Field(discriminator="kind")]
Subject = Annotated[WhatIf | Inquiry | ReconcileNow, Field(discriminator="kind")]
"""What a question may be about: what a session answers, and what the connector itself is to do."""

Answer = Annotated[WhatIfAnswer | Finding, Field(discriminator="kind")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question on its way to whichever connector holds the account; its reply goes to a channel of the asker's."""

    id: UUID
    reply_to: str
    tenant_id: TenantId
    account_id: AccountId
    asked: Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came of a question: an answer with the account's base currency, or the reason why there is none.

    retry_after_s is how long to wait before the same may be asked again, where that is known; reconciliation_id is the
    answer to ReconcileNow.
    """

    id: UUID
    answer: Answer | None = None
    currency: str | None = None
    reconciliation_id: ReconciliationId | None = None
    reason: Problem | None = None
    retry_after_s: float | None = None


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
