"""The terms of an order in a row: every table that keeps them has the same columns."""

from collections.abc import Mapping
from typing import Any

from app.core.fix import TimeInForce
from app.core.messages import OrderTerms


def terms_from_row(row: Mapping[str, Any]) -> OrderTerms:
    """The terms that stand in a row's columns of the same names."""
    return OrderTerms(
        quantity=row["quantity"],
        limit_price=row["limit_price"],
        stop_price=row["stop_price"],
        trailing_amount=row["trailing_amount"],
        time_in_force=TimeInForce(row["time_in_force"]),
        expires_at=row["expires_at"],
    )
