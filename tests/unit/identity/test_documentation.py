"""The page on identity says what the code does."""

from pathlib import Path

from app.identity.domain import ROLE_SCOPES, Role, Scope

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "identity.md"


def test_the_table_of_roles_is_the_one_that_holds() -> None:
    rows = [line.strip("| \n").split("|") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in row] for row in rows]
    header = cells[0]
    written = {
        (row[0], role): len(row) > place and row[place] == "yes"
        for row in cells
        if row[0] in Scope.__members__
        for place, role in enumerate(header)
        if role in Role.__members__
    }

    held = {(scope.value, role.value): scope in ROLE_SCOPES[role] for scope in Scope for role in Role}

    assert written == held
