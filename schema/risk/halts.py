"""The GraphQL types of halts and kill switches."""

from datetime import datetime
from typing import Final
from uuid import UUID

import strawberry

from app.core.ids import HaltId
from app.core.paging import Page, Window
from app.core.trading_modes import HaltScope, TradingMode
from app.risk.halts import domain
from app.risk.halts.domain import KillStep
from schema.base.errors import UserError
from schema.base.node import Node
from schema.base.pagination import Count, Counted, Cursors, page_info

KILL_SWITCH_CURSORS: Final = Cursors("killSwitch")

strawberry.enum(HaltScope, description="What a halt covers: the tenant, or orders of an account, strategy, instrument.")
strawberry.enum(
    TradingMode,
    description="ACTIVE lets all orders through, REDUCE_ONLY those that only make a position smaller, HALTED none. "
    "Cancels pass in every mode; of several halts the strictest holds.",
)
strawberry.enum(
    KillStep,
    name="KillSwitchStep",
    description="WAITING: nothing was done in the account. CANCELING: cancels are asked for, and closes if they were "
    "wanted. DONE: every cancel is confirmed, every close filled or refused.",
)


@strawberry.type(description="A halt of trading; in force until resumedAt.")
class TradingHalt(Node):
    """A halt of trading."""

    scope: HaltScope
    target_id: strawberry.ID | None = strawberry.field(
        description="The account, strategy or instrument; null for the whole tenant."
    )
    mode: TradingMode
    reason: str
    automatic: bool = strawberry.field(description="True when the house halted by itself, as a circuit breaker does.")
    kill_switch: bool = strawberry.field(description="True when the kill switch set it.")
    halted_by: str = strawberry.field(description="Who, as in the audit log.")
    halted_at: datetime
    resumed_by: str | None
    resumed_at: datetime | None
    resume_reason: str | None

    @classmethod
    def of(cls, halt: domain.Halt) -> "TradingHalt":
        """The type of the value."""
        return cls(
            id=strawberry.ID(str(halt.id)),
            scope=halt.target.scope,
            target_id=_id_or_none(halt.target.target_id),
            mode=halt.mode,
            reason=halt.reason,
            automatic=halt.is_automatic,
            kill_switch=halt.is_kill_switch,
            halted_by=halt.halted_by,
            halted_at=halt.halted_at,
            resumed_by=halt.resumed_by,
            resumed_at=halt.resumed_at,
            resume_reason=halt.resume_reason,
        )


@strawberry.type(description="What a kill switch could not do.")
class KillSwitchError:
    """What a kill switch could not do."""

    code: str
    message: str
    subject_id: strawberry.ID | None = strawberry.field(description="The order or the position that it is about.")


@strawberry.type(description="A kill switch in one account.")
class KillSwitchAccount:
    """A kill switch in one account."""

    account_id: strawberry.ID
    step: KillStep
    orders_cancelled: int = strawberry.field(
        description="Orders that ended unsent or whose cancel was asked for; in a drill, that would be."
    )
    cancels_unconfirmed: int = strawberry.field(description="Those of them that have not ended yet.")
    positions_closing: int = strawberry.field(description="Positions that are closed; in a drill, that would be.")
    closes_open: int = strawberry.field(description="Closing orders that have not ended yet.")
    errors: list[KillSwitchError]
    started_at: datetime | None
    asked_at: datetime | None = strawberry.field(description="When the last cancel was asked for.")
    finished_at: datetime | None

    @classmethod
    def of(cls, account: domain.KillAccount) -> "KillSwitchAccount":
        """The type of the value."""
        return cls(
            account_id=strawberry.ID(str(account.account_id)),
            step=account.step,
            orders_cancelled=len(account.order_ids),
            cancels_unconfirmed=account.cancels_open,
            positions_closing=account.positions_closing,
            closes_open=account.closes_open,
            errors=[
                KillSwitchError(code=one.code, message=one.message, subject_id=_id_or_none(one.subject))
                for one in account.errors
            ],
            started_at=account.started_at,
            asked_at=account.asked_at,
            finished_at=account.finished_at,
        )


@strawberry.type(description="An activation of the kill switch, or a drill of it, and how far it has come.")
class KillSwitch(Node):
    """An activation of the kill switch."""

    scope: HaltScope
    target_id: strawberry.ID | None
    reason: str
    close_positions: bool
    drill: bool = strawberry.field(description="True for a dry run, which halted and touched nothing.")
    halt: TradingHalt | None = strawberry.field(description="The halt that it set; null for a drill.")
    activated_by: str
    activated_at: datetime
    barred_at: datetime | None = strawberry.field(
        description="From when on every process knew of the halt, so that no order was accepted any more."
    )
    finished_at: datetime | None = strawberry.field(description="When every account was DONE.")
    orders_cancelled: int
    positions_closing: int
    accounts: list[KillSwitchAccount]

    @classmethod
    def of(cls, kill: domain.KillSwitch, halt: domain.Halt | None) -> "KillSwitch":
        """The type of the values."""
        return cls(
            id=strawberry.ID(str(kill.id)),
            scope=kill.target.scope,
            target_id=_id_or_none(kill.target.target_id),
            reason=kill.reason,
            close_positions=kill.closes_positions,
            drill=kill.is_drill,
            halt=None if halt is None else TradingHalt.of(halt),
            activated_by=kill.activated_by,
            activated_at=kill.activated_at,
            barred_at=kill.barred_at,
            finished_at=kill.finished_at,
            orders_cancelled=sum(len(account.order_ids) for account in kill.accounts),
            positions_closing=sum(account.positions_closing for account in kill.accounts),
            accounts=[KillSwitchAccount.of(account) for account in kill.accounts],
        )


@strawberry.type
class KillSwitchEdge:
    """A kill switch at its place in a list."""

    cursor: str
    node: KillSwitch


@strawberry.type(description="Kill switches and drills, the newest first.")
class KillSwitchConnection(Counted):
    """A page of kill switches."""

    edges: list[KillSwitchEdge]

    @classmethod
    def of(
        cls, page: Page[domain.KillSwitch], halts: dict[HaltId, domain.Halt], window: Window[UUID], count: Count
    ) -> "KillSwitchConnection":
        """The page with its cursors; halts are those that the kill switches have set."""
        edges = [
            KillSwitchEdge(
                cursor=KILL_SWITCH_CURSORS.write(str(one.id)),
                node=KillSwitch.of(one, None if one.halt_id is None else halts.get(one.halt_id)),
            )
            for one in page.items
        ]
        return cls(edges=edges, page_info=page_info(page, window, [edge.cursor for edge in edges]), count=count)


@strawberry.type(description="The halt as it stands, or why it could not be set or released.")
class TradingHaltPayload:
    """The answer of haltTrading and resumeTrading."""

    halt: TradingHalt | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(
    description="How far the kill switch had come when it answered; killSwitch tells how it goes on. From this answer "
    "on no order that it covers is accepted."
)
class KillSwitchPayload:
    """The answer of activateKillSwitch."""

    halt: TradingHalt | None = None
    kill_switch: KillSwitch | None = None
    orders_cancelled: int = 0
    positions_closing: int = 0
    accounts: list[KillSwitchAccount] = strawberry.field(default_factory=list)
    errors: list[UserError] = strawberry.field(default_factory=list)


def _id_or_none(found: UUID | None) -> strawberry.ID | None:
    return None if found is None else strawberry.ID(str(found))
