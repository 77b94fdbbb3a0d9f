"""Rows of the order core turned into values, and values into what the columns hold."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.core.allocation import allocation_from_document
from app.core.arrival import arrival_from_document
from app.core.fix import (
    LinkRole,
    OrderOrigin,
    OrderState,
    OrderType,
    RejectOrigin,
    RequestKind,
    RequestOutcome,
    RiskLimitType,
    RiskOutcome,
    Side,
)
from app.core.ids import LimitId
from app.core.messages import Look, LookStep, RiskCheck
from app.core.money import plain
from app.core.terms import terms_from_row
from app.infra.db import plain_json
from app.orders.domain.order import Execution, LoggedEvent, Order, OrderEvent, OrderRequest
from app.orders.domain.placing import terms_document, terms_from_document

Row = Mapping[str, Any]


def order_from_row(row: Row, *, with_checks: bool = True) -> Order:
    """The order of a row of `orders`; without its risk checks and its arrival for those who only move it."""
    return Order(
        id=row["id"],
        tenant_id=row["tenant_id"],
        account_id=row["account_id"],
        instrument_id=row["instrument_id"],
        client_order_id=row["client_order_id"],
        terms_hash=row["terms_hash"],
        side=Side(row["side"]),
        order_type=OrderType(row["order_type"]),
        terms=terms_from_row(row),
        post_only=row["post_only"],
        outside_regular_hours=row["outside_regular_hours"],
        origin=OrderOrigin(row["origin"]),
        metadata=row["order_metadata"],
        placed_by=row["placed_by"],
        parent_id=row["parent_id"],
        link_role=LinkRole(row["link_role"]) if row["link_role"] else None,
        oca_group=row["oca_group"],
        group_quantity=row["group_quantity"],
        closes_position=row["closes_position"],
        is_staged=row["is_staged"],
        release_at=row["release_at"],
        close_id=row["close_id"],
        waits_for=tuple(row["waits_for"] or ()),
        is_awaited=row["is_awaited"],
        allocation=None if row["allocation"] is None else allocation_from_document(row["allocation"]),
        block_id=row["block_id"],
        arrival=arrival_from_document(row["arrival"]) if with_checks and row["arrival"] is not None else None,
        state=OrderState(row["state"]),
        filled_quantity=row["filled_quantity"],
        filled_notional=row["filled_notional"],
        commission=row["commission"],
        overfilled_quantity=row["overfilled_quantity"],
        reject_origin=RejectOrigin(row["reject_origin"]) if row["reject_origin"] else None,
        reject_code=row["reject_code"],
        reject_reason=row["reject_reason"],
        in_doubt=row["in_doubt"],
        risk_checks=tuple(map(risk_check_from_document, row["risk_checks"])) if with_checks else (),
        version=row["version"],
        broker_client_id=row["broker_client_id"],
        broker_order_id=row["broker_order_id"],
        permanent_id=row["permanent_id"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def request_from_row(row: Row, *, with_checks: bool = True) -> OrderRequest:
    """The request of a row of `order_requests`; without its risk checks for those who only move it."""
    return OrderRequest(
        id=row["id"],
        order_id=row["order_id"],
        kind=RequestKind(row["kind"]),
        outcome=RequestOutcome(row["outcome"]),
        terms=terms_from_document(row["terms"]) if row["terms"] else None,
        reason=row["reason"],
        requested_by=row["requested_by"],
        requested_at=row["requested_at"],
        sent_at=row["sent_at"],
        resolved_at=row["resolved_at"],
        is_house_refusal=row["is_house_refusal"],
        risk_checks=tuple(map(risk_check_from_document, row["risk_checks"])) if with_checks else (),
    )


def execution_from_row(row: Row) -> Execution:
    """The execution of a row of `executions`."""
    return Execution(
        id=row["id"],
        account_id=row["account_id"],
        order_id=row["order_id"],
        instrument_id=row["instrument_id"],
        execution_id=row["execution_id"],
        root=row["execution_root"],
        revision=row["revision"],
        side=Side(row["side"]),
        quantity=row["quantity"],
        price=row["price"],
        liquidity=row["liquidity"],
        is_superseded=row["is_superseded"],
        base_rate=row["base_rate"],
        realized_pnl=row["realized_pnl"],
        realized_pnl_base=row["realized_pnl_base"],
        commission=row["commission"],
        commission_currency=row["commission_currency"],
        commission_base=row["commission_base"],
        executed_at=row["executed_at"],
        recorded_at=row["recorded_at"],
    )


def event_from_row(row: Row) -> LoggedEvent:
    """The event of a row of `order_events`, at its place in the log."""
    return LoggedEvent(
        sequence=row["sequence"],
        event=OrderEvent(
            type=row["type"],
            order_id=row["order_id"],
            account_id=row["account_id"],
            from_state=OrderState(row["from_state"]) if row["from_state"] else None,
            to_state=OrderState(row["to_state"]),
            actor=row["actor"],
            reason=row["reason"],
            details=row["details"],
            occurred_at=row["occurred_at"],
        ),
        recorded_at=row["recorded_at"],
    )


def request_terms_document(request: OrderRequest) -> dict[str, Any]:
    """The terms of a request as stored; empty for a cancel."""
    return dict(terms_document(request.terms)) if request.terms is not None else {}


def _risk_check_document(check: RiskCheck) -> dict[str, Any]:
    # The writer of JSON knows ids and enumerations itself, and faster.
    document: dict[str, Any] = {
        "check": check.check,
        "outcome": check.outcome,
        "limit": None if check.limit is None else plain(check.limit),
        "observed": None if check.observed is None else plain(check.observed),
        "message": check.message,
        "limitId": check.limit_id,
        "limitVersion": check.limit_version,
        "inputs": check.inputs_document(),
        "nanoseconds": check.nanoseconds,
    }
    if check.is_shadow:
        document["isShadow"] = True
    if check.look is not None:
        document["look"] = _look_document(check.look)
    return document


def risk_check_from_document(document: Mapping[str, Any]) -> RiskCheck:
    """The check of a stored document."""
    return RiskCheck(
        check=RiskLimitType(document["check"]),
        outcome=RiskOutcome(document["outcome"]),
        limit=_decimal_or_none(document["limit"]),
        observed=_decimal_or_none(document["observed"]),
        message=document["message"],
        limit_id=LimitId(UUID(document["limitId"])) if document["limitId"] else None,
        limit_version=document.get("limitVersion"),
        inputs=document.get("inputs", {}),
        nanoseconds=document.get("nanoseconds", 0),
        is_shadow=document.get("isShadow", False),
        look=_look_from_document(document["look"]) if "look" in document else None,
    )


def checks_text(checks: Sequence[RiskCheck]) -> str:
    """The checks as stored, as JSON text: the driver would take a list within an array for another dimension."""
    return plain_json([_risk_check_document(check) for check in checks])


def _look_document(look: Look) -> dict[str, str]:
    return {"step": look.step.value, "by": look.by, "at": look.at.isoformat()}


def _look_from_document(document: Mapping[str, str]) -> Look:
    return Look(step=LookStep(document["step"]), by=document["by"], at=datetime.fromisoformat(document["at"]))


def _decimal_or_none(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
