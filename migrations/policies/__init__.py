"""Row-level security, a file per table: who sees which rows, and who may do what with them."""

from pathlib import Path


def policy(table: str) -> str:
    """The statements that close a table and open it again to the roles that need it."""
    return (Path(__file__).parent / f"{table}.sql").read_text()


def policies() -> list[str]:
    """The tables that have a file here."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.sql"))
