"""`oms documents`: the list of documents that may be asked by their id, and that alone run in the strict mode."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import orjson

from schema.base.persisted import DocumentListError, id_of, read_list
from schema.base.preparing import prepare
from schema.schema import schema


def add(sources: Sequence[Path], listed: Path) -> None:
    """Add the documents of the files to the list, and print the id of each.

    Raises DocumentListError when a file cannot be read or its document is not fit to run; then nothing is added.
    """
    known = read_list(listed) if listed.exists() else {}
    added: dict[str, Path] = {}
    for source in sources:
        try:
            # As it is sent: what editors put behind the last brace is no part of it.
            text = source.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise DocumentListError(f"cannot read {source}: {error}") from error
        _check_fit(str(source), text)
        known[id_of(text)] = text
        added[id_of(text)] = source
    partial = listed.with_name(f".{listed.name}.{os.getpid()}")
    partial.write_bytes(orjson.dumps(known, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    partial.replace(listed)
    for name, source in added.items():
        print(f"{name}  {source}")


def check(listed: Path) -> None:
    """Check every document of the list. Raises DocumentListError for the first that is not fit to run."""
    known = read_list(listed)
    for name, text in known.items():
        _check_fit(name, text)
    print(f"{len(known)} documents fit the schema", file=sys.stderr)


def _check_fit(name: str, text: str) -> None:
    prepared = prepare(schema._schema, text, has_suggestions=True)
    if prepared.document is None:
        raise DocumentListError(f"{name} is not fit to run: {prepared.errors[0]['message']}")
