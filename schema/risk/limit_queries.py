"""Queries of limits, their versions, and the changes that wait."""

from decimal import Decimal

import strawberry

from app.core.errors import InputError
from app.core.fix import RiskLimitType
from app.core.ids import InstrumentId, LimitId
from app.flows.risk.view_risk_limits import (
    count_limits,
    count_proposals,
    count_versions,
    list_limits,
    page_of_limits,
    page_of_proposals,
    page_of_versions,
)
from app.identity.domain import Scope
from app.risk.keeping.domain.changes import ProposalState
from app.risk.keeping.domain.templates import TEMPLATES
from app.risk.keeping.errors import LimitTargetUnknownError
from app.risk.keeping.repository import LimitFilter
from schema.base.context import Info
from schema.base.ids import parse_id
from schema.base.pagination import window_of
from schema.base.permissions import scoped
from schema.brokers.types import known_account
from schema.risk.limits import (
    LIMIT_CURSORS,
    PROPOSAL_CURSORS,
    VERSION_CURSORS,
    RiskLimit,
    RiskLimitConnection,
    RiskLimitProposalConnection,
    RiskLimitVersionConnection,
)

_VERSION_DIGITS_MAX = 9


@strawberry.input(description="Which limits; each condition that is given holds.")
class RiskLimitFilter:
    """Which limits."""

    account_id: strawberry.ID | None = strawberry.field(
        default=None, description="Those that cover the account: its own, and those of the firm."
    )
    instrument_id: strawberry.ID | None = strawberry.field(
        default=None, description="Those that cover the instrument: its own, and those of all instruments."
    )
    limit_types: list[RiskLimitType] | None = None
    is_active: bool | None = None
    is_shadow: bool | None = None


@strawberry.type(description="One limit of a template.")
class RiskTemplateLimit:
    """One limit of a template."""

    limit_type: RiskLimitType
    value: Decimal | None
    part_of_capital: Decimal | None


@strawberry.type(description="A named set of limits for a fresh account.")
class RiskTemplate:
    """A named set of limits."""

    name: str
    description: str
    limits: list[RiskTemplateLimit]


@strawberry.type
class RiskLimitQuery:
    """Queries of limits."""

    @strawberry.field(
        description="All limits, or those that cover the account, the oldest first, at most 1000.",
        extensions=scoped(Scope.VIEW_ORDERS),
    )
    async def risk_limits(self, info: Info, account_id: strawberry.ID | None = None) -> list[RiskLimit]:
        """All limits, or those that cover the account."""
        account = None if account_id is None else await known_account(info, account_id, "accountId")
        found = await list_limits(info.context.desk, info.context.principal, account)
        return [RiskLimit.of(one) for one in found]

    @strawberry.field(
        description="Limits page by page, the newest first.",
        extensions=scoped(Scope.VIEW_ORDERS),
    )
    async def risk_limit_page(
        self,
        info: Info,
        filter: RiskLimitFilter | None = None,  # noqa: A002
        first: int | None = 50,
        after: str | None = None,
    ) -> RiskLimitConnection:
        """A page of limits."""
        desk, principal = info.context.desk, info.context.principal
        wanted = await _wanted(info, filter)
        window = window_of(first=first, after=after, read=LIMIT_CURSORS.read_id)
        page = await page_of_limits(desk, principal, wanted, window)
        return RiskLimitConnection.of(page, window, lambda: count_limits(desk, principal, wanted))

    @strawberry.field(
        description="The versions of a limit, the newest first; of one that was deleted too.",
        extensions=scoped(Scope.MANAGE_RISK),
    )
    async def risk_limit_history(
        self, info: Info, limit_id: strawberry.ID, first: int | None = 50, after: str | None = None
    ) -> RiskLimitVersionConnection:
        """The versions of a limit."""
        desk, principal = info.context.desk, info.context.principal
        limit = LimitId(parse_id(limit_id, "limitId"))
        window = window_of(first=first, after=after, read=_read_version)
        page = await page_of_versions(desk, principal, limit, window)
        return RiskLimitVersionConnection.of(page, window, lambda: count_versions(desk, principal, limit))

    @strawberry.field(description="Proposed changes of limits, the newest first.", extensions=scoped(Scope.MANAGE_RISK))
    async def risk_limit_proposals(
        self,
        info: Info,
        states: list[ProposalState] | None = None,
        first: int | None = 50,
        after: str | None = None,
    ) -> RiskLimitProposalConnection:
        """Proposed changes of limits."""
        desk, principal = info.context.desk, info.context.principal
        window = window_of(first=first, after=after, read=PROPOSAL_CURSORS.read_id)
        page = await page_of_proposals(desk, principal, states, window)
        return RiskLimitProposalConnection.of(page, window, lambda: count_proposals(desk, principal, states))

    @strawberry.field(description="The templates that applyRiskTemplate knows.", extensions=scoped(Scope.VIEW_ORDERS))
    async def risk_templates(self) -> list[RiskTemplate]:
        """The templates of limits."""
        return [
            RiskTemplate(
                name=one.name,
                description=one.description,
                limits=[
                    RiskTemplateLimit(
                        limit_type=limit.limit_type, value=limit.value, part_of_capital=limit.part_of_capital
                    )
                    for limit in one.limits
                ],
            )
            for one in TEMPLATES.values()
        ]


async def _wanted(info: Info, given: RiskLimitFilter | None) -> LimitFilter:
    if given is None:
        return LimitFilter()
    account, instrument = given.account_id, given.instrument_id
    return LimitFilter(
        account_id=None if account is None else await known_account(info, account, "filter", "accountId"),
        instrument_id=None if instrument is None else await _known_instrument(info, instrument),
        limit_types=None if given.limit_types is None else tuple(given.limit_types),
        is_active=given.is_active,
        is_shadow=given.is_shadow,
    )


def _read_version(cursor: str, path: str) -> int:
    text = VERSION_CURSORS.read(cursor, path)
    if not (text.isascii() and text.isdigit() and len(text) <= _VERSION_DIGITS_MAX):
        raise InputError("This is not a cursor of this list.", path=[path])
    return int(text)


async def _known_instrument(info: Info, text: str) -> InstrumentId:
    instrument_id = InstrumentId(parse_id(text, "filter", "instrumentId"))
    if await info.context.loaders.instruments.load(instrument_id) is None:
        raise LimitTargetUnknownError("instrument", "filter", "instrumentId")
    return instrument_id
