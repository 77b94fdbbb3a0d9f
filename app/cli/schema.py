"""`oms schema export`: the GraphQL schema as a committed file."""

import sys
from importlib.util import find_spec
from pathlib import Path

from app.core.errors import OmsError


class SchemaChangedError(OmsError):
    """The committed schema is not the one that the code makes."""

    code = "SCHEMA_CHANGED"


def export(path: Path | None, *, is_check: bool) -> None:
    """Write the schema to `path` or to the committed file, or only compare.

    Raises: SchemaChangedError when it is compared and differs.
    """
    from strawberry.printer import print_schema

    from schema.schema import schema

    target = path or _committed()
    text = print_schema(schema).rstrip() + "\n"
    if not is_check:
        target.write_text(text, encoding="utf-8")
        print(f"wrote {target}", file=sys.stderr)
    elif not target.exists() or target.read_text(encoding="utf-8") != text:
        raise SchemaChangedError(f"{target} is not current: run `oms schema export` and look at the difference")


def _committed() -> Path:
    spec = find_spec("schema")
    assert spec is not None, "the schema is installed beside the application"
    assert spec.origin is not None, "the schema is a package"
    return Path(spec.origin).with_name("schema.graphql")
