"""Mutations of policies of approval, and the decision on an order."""

import re
from decimal import Decimal

import strawberry

from app.approvals.domain import EVERY_DAY, REASON_LENGTH_MAX, DailyWindow, Hours
from app.approvals.errors import ApprovalPolicyInvalidError, ApprovalPolicyUnknownError
from app.approvals.service import PolicySetting
from app.core.errors import OmsError
from app.core.ids import OrderId, PolicyId
from app.flows.approvals.decide_approval import Verdict, decide_approval
from app.flows.approvals.set_approval_policy import delete_approval_policy, set_approval_policy
from app.identity.domain import Scope
from app.orders.domain.placing import problem
from app.orders.errors import OrderProblem
from schema.approvals.types import ApprovalPolicy, ApprovalPolicyPayload
from schema.base.context import Info
from schema.base.errors import problem_errors, user_errors
from schema.base.ids import is_id, parse_id, storable
from schema.base.permissions import scoped
from schema.brokers.types import known_account
from schema.orders.mutations import OrderPayload
from schema.orders.types import Order

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00", re.ASCII)


@strawberry.input(description="Hours of a day within which orders need nobody.")
class ApprovalWindowInput:
    """Hours of a day."""

    opens: str = strawberry.field(description="HH:MM.")
    closes: str = strawberry.field(description="HH:MM, exclusive, after opens; 24:00 for the end of the day.")
    days: list[int] | None = strawberry.field(
        default=None, description="ISO weekdays, 1 for Monday up to 7 for Sunday; null for every day."
    )


@strawberry.input(description="Hours of a time zone of the IANA database.")
class ApprovalHoursInput:
    """Hours of a time zone."""

    time_zone: str
    windows: list[ApprovalWindowInput]


@strawberry.input(description="A new policy, or with an id the whole of what a policy is to be from now on.")
class SetApprovalPolicyInput:
    """A policy as it is asked for."""

    id: strawberry.ID | None = None
    expected_version: int | None = None
    account_id: strawberry.ID | None = None
    strategy_id: strawberry.ID | None = None
    notional: Decimal | None = None
    currency: str | None = None
    hours: ApprovalHoursInput | None = None
    expiry_seconds: int
    is_active: bool | None = True
    reason: str | None = None


@strawberry.input
class DeleteApprovalPolicyInput:
    """Which policy goes."""

    id: strawberry.ID
    expected_version: int | None = None
    reason: str | None = None


@strawberry.input
class ApproveOrderInput:
    """What is decided on an order."""

    order_id: strawberry.ID
    approve: bool = strawberry.field(description="False refuses the order: it ends REJECTED.")
    reason: str | None = None


@strawberry.type
class ApprovalMutation:
    """Mutations of approvals."""

    @strawberry.mutation(
        description="Says which orders need a second person. It holds for orders placed from now on.",
        extensions=scoped(Scope.MANAGE_RISK),
    )
    async def set_approval_policy(self, info: Info, input: SetApprovalPolicyInput) -> ApprovalPolicyPayload:  # noqa: A002
        """Says which orders need a second person."""
        try:
            setting = await _setting(info, input)
            policy = await set_approval_policy(info.context.desk, info.context.principal, setting)
        except OmsError as error:
            return ApprovalPolicyPayload(errors=user_errors(error))
        return ApprovalPolicyPayload(policy=ApprovalPolicy.of(policy))

    @strawberry.mutation(
        description="Takes a policy away. Orders that wait under it still need their approval.",
        extensions=scoped(Scope.MANAGE_RISK),
    )
    async def delete_approval_policy(self, info: Info, input: DeleteApprovalPolicyInput) -> ApprovalPolicyPayload:  # noqa: A002
        """Takes a policy away."""
        try:
            policy = await delete_approval_policy(
                info.context.desk,
                info.context.principal,
                _policy_id(input.id),
                expected_version=input.expected_version,
                reason=_reason(input.reason),
            )
        except OmsError as error:
            return ApprovalPolicyPayload(errors=user_errors(error))
        return ApprovalPolicyPayload(policy=ApprovalPolicy.of(policy))

    @strawberry.mutation(
        description="Decides on an order that waits: another person than who placed it lets it go, after risk has "
        "looked again, or refuses it.",
        extensions=scoped(Scope.APPROVE_ORDERS),
    )
    async def approve_order(self, info: Info, input: ApproveOrderInput) -> OrderPayload:  # noqa: A002
        """Decides on an order that waits."""
        if not is_id(input.order_id):
            return OrderPayload(errors=problem_errors([problem(OrderProblem.ORDER_NOT_FOUND, "orderId")]))
        if input.reason is not None and (len(input.reason) > REASON_LENGTH_MAX or "\x00" in input.reason):
            return OrderPayload(errors=problem_errors([problem(OrderProblem.REASON_INVALID, "reason")]))
        verdict = Verdict(
            order_id=OrderId(parse_id(input.order_id)), is_approved=input.approve, reason=input.reason or None
        )
        try:
            placement = await decide_approval(info.context.desk, info.context.principal, verdict)
        except OmsError as error:
            return OrderPayload(errors=user_errors(error))
        order = None if placement.order is None else Order.of(placement.order)
        return OrderPayload(order=order, errors=problem_errors(placement.problems))


async def _setting(info: Info, given: SetApprovalPolicyInput) -> PolicySetting:
    if given.strategy_id is not None:
        # A policy that covers nothing would look as if it guarded something.
        raise ApprovalPolicyInvalidError("Orders of strategies cannot be told apart yet.", path=["strategyId"])
    return PolicySetting(
        id=None if given.id is None else _policy_id(given.id),
        expected_version=given.expected_version,
        account_id=None if given.account_id is None else await known_account(info, given.account_id, "accountId"),
        notional=given.notional,
        currency=given.currency,
        hours=None if given.hours is None else _hours(given.hours),
        expiry_s=given.expiry_seconds,
        is_active=given.is_active is not False,
        reason=_reason(given.reason),
    )


def _policy_id(text: str) -> PolicyId:
    if not is_id(text):
        raise ApprovalPolicyUnknownError("id")
    return PolicyId(parse_id(text))


def _reason(text: str | None) -> str | None:
    return None if text is None else storable(text, "reason")


def _hours(given: ApprovalHoursInput) -> Hours:
    windows = tuple(
        DailyWindow(
            opens=_minute(one.opens, index, "opens"),
            closes=_minute(one.closes, index, "closes"),
            days=EVERY_DAY if one.days is None else tuple(one.days),
        )
        for index, one in enumerate(given.windows)
    )
    return Hours(time_zone=given.time_zone, windows=windows)


def _minute(text: str, index: int, field: str) -> int:
    if _CLOCK.fullmatch(text) is None:
        path = ["hours", "windows", str(index), field]
        raise ApprovalPolicyInvalidError("A time of day is written HH:MM.", path=path)
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)
