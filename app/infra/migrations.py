"""The database schema brought up to date, and held against the models."""

from importlib.util import find_spec
from pathlib import Path

from alembic import command
from alembic.config import Config


def upgrade(database_url: str, revision: str = "head") -> None:
    """Migrates the database to the revision. The login of the address must own the schema and may create roles.

    Blocks; runs an event loop of its own, so call it from a thread where a loop is running.
    """
    command.upgrade(_config(database_url), revision)


def downgrade(database_url: str, revision: str) -> None:
    """Takes the database back to an older revision, "base" for none; what the newer ones added is lost. Blocks."""
    command.downgrade(_config(database_url), revision)


def check_drift(database_url: str) -> None:
    """Compares a migrated database with the models.

    Raises alembic.util.CommandError naming the differences.
    """
    command.check(_config(database_url))


def create_revision(database_url: str, message: str) -> None:
    """Writes a new revision from what the models have and the database lacks."""
    command.revision(_config(database_url), message, autogenerate=True)


def _config(database_url: str) -> Config:
    found = find_spec("migrations")
    assert found is not None, "the migrations are installed beside the application"
    assert found.origin is not None, "the migrations are a package"
    config = Config()
    config.set_main_option("script_location", str(Path(found.origin).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["database_url"] = database_url
    return config
