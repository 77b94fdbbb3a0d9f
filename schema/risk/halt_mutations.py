"""Mutations of halts and of the kill switch."""

import strawberry

from app.core.errors import OmsError
from app.core.ids import HaltId
from app.core.trading_modes import HaltScope, HaltTarget, TradingMode
from app.flows.halts.halt_trading import REASON_LENGTH_MAX, halt_trading, resume_trading
from app.flows.halts.kill_switch import WITHIN_S, Activation, activate_kill_switch
from app.identity.domain import Scope
from schema.base.context import Info
from schema.base.errors import user_errors
from schema.base.ids import parse_id
from schema.base.permissions import scoped
from schema.risk.halts import KillSwitch, KillSwitchPayload, TradingHalt, TradingHaltPayload

_REASON = f"Why, 1 to {REASON_LENGTH_MAX} characters; it is kept with it."


@strawberry.input
class HaltTradingInput:
    """What is halted, and how far."""

    scope: HaltScope
    target_id: strawberry.ID | None = strawberry.field(
        default=None, description="The account or instrument; null with TENANT, and only then."
    )
    mode: TradingMode = strawberry.field(description="REDUCE_ONLY or HALTED.")
    reason: str = strawberry.field(description=_REASON)


@strawberry.input
class ResumeTradingInput:
    """Which halt is released."""

    halt_id: strawberry.ID
    reason: str = strawberry.field(description=_REASON)


@strawberry.input
class KillSwitchInput:
    """What the kill switch stops."""

    scope: HaltScope
    target_id: strawberry.ID | None = strawberry.field(
        default=None, description="The account or instrument; null with TENANT, and only then."
    )
    reason: str = strawberry.field(description=_REASON)
    close_positions: bool | None = strawberry.field(
        default=False, description="Whether the positions are closed by market orders, too."
    )
    drill: bool | None = strawberry.field(
        default=False, description="A dry run: it tells what it would cancel and close, and touches nothing."
    )


@strawberry.type
class HaltMutation:
    """Mutations of halts."""

    @strawberry.mutation(
        description="Halts trading. Once it answers, no order that it covers is accepted and what waits to be sent is "
        "refused; orders that work at the broker go on, and cancels pass. Several halts stand side by side, and the "
        "strictest holds.",
        extensions=scoped(Scope.MANAGE_RISK, step_up=True, passes_keys=True),
    )
    async def halt_trading(self, info: Info, input: HaltTradingInput) -> TradingHaltPayload:  # noqa: A002
        """Halts trading."""
        try:
            halt = await halt_trading(
                info.context.desk,
                info.context.principal,
                _target(input.scope, input.target_id),
                input.mode,
                input.reason,
            )
        except OmsError as error:
            return TradingHaltPayload(errors=user_errors(error))
        return TradingHaltPayload(halt=TradingHalt.of(halt))

    @strawberry.mutation(
        description="Releases a halt. Another person than who halted does; who halted may only while nobody else of "
        "the tenant could. What the halt refused stays refused.",
        extensions=scoped(Scope.MANAGE_RISK, step_up=True),
    )
    async def resume_trading(self, info: Info, input: ResumeTradingInput) -> TradingHaltPayload:  # noqa: A002
        """Releases a halt."""
        try:
            halt_id = HaltId(parse_id(input.halt_id, "haltId"))
            halt = await resume_trading(info.context.desk, info.context.principal, halt_id, input.reason)
        except OmsError as error:
            return TradingHaltPayload(errors=user_errors(error))
        return TradingHaltPayload(halt=TradingHalt.of(halt))

    @strawberry.mutation(
        description="Halts trading, cancels all open orders of the target, held, staged and waiting ones too, and "
        f"closes its positions if asked to. It answers within about {WITHIN_S:.0f} s and goes on by itself; asked "
        "again while it runs it answers how far it has come.",
        extensions=scoped(Scope.MANAGE_RISK, step_up=True, passes_keys=True),
    )
    async def activate_kill_switch(self, info: Info, input: KillSwitchInput) -> KillSwitchPayload:  # noqa: A002
        """Stops everything."""
        try:
            asked = Activation(
                target=_target(input.scope, input.target_id),
                reason=input.reason,
                closes_positions=input.close_positions is True,
                is_drill=input.drill is True,
            )
            kill, halt = await activate_kill_switch(info.context.desk, info.context.principal, asked)
        except OmsError as error:
            return KillSwitchPayload(errors=user_errors(error))
        told = KillSwitch.of(kill, halt)
        return KillSwitchPayload(
            halt=told.halt,
            kill_switch=told,
            orders_cancelled=told.orders_cancelled,
            positions_closing=told.positions_closing,
            accounts=told.accounts,
        )


def _target(scope: HaltScope, target_id: strawberry.ID | None) -> HaltTarget:
    return HaltTarget(scope=scope, target_id=None if target_id is None else parse_id(target_id, "targetId"))
