"""Every row of the transition table has a test named after it: test_<from>_to_<to>, more words behind if wanted."""

import ast
from pathlib import Path

from app.core.fix import OrderState
from app.orders.domain.transitions import TRANSITIONS

TESTS = Path(__file__).parents[1]
FILES = (TESTS / "unit/orders/test_transition_rows.py", TESTS / "integration/flows/test_transition_rows.py")

_S = OrderState
AWAITED: frozenset[tuple[OrderState, OrderState]] = frozenset({(_S.NEW, _S.CANCELED)})
"""Moves that no code makes: an order is never stored as NEW, so nobody can cancel it there."""


def rows_with_a_test() -> set[tuple[OrderState, OrderState]]:
    names = [
        node.name
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    ]
    return {row for name in names if (row := row_of(name)) is not None}


def row_of(name: str) -> tuple[OrderState, OrderState] | None:
    # The longest state that fits, so that pending_cancel is not read as something shorter.
    before, _, rest = name.removeprefix("test_").partition("_to_")
    fits = [state for state in OrderState if f"{rest}_".startswith(f"{state.lower()}_")]
    if before.upper() not in OrderState.__members__ or not fits:
        return None
    return OrderState(before.upper()), max(fits, key=len)


def test_the_rows_with_a_test_are_those_of_the_table() -> None:
    table = {(before, after) for before, row in TRANSITIONS.items() for after in row}

    assert rows_with_a_test() | AWAITED == table
    assert rows_with_a_test() & AWAITED == set()
