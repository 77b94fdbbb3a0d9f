"""`oms documents` as an operator meets it."""

import json
from pathlib import Path

import pytest

from app.cli.documents import add, check
from schema.base.persisted import DocumentListError, id_of, read_list

GOOD = "query Viewer { viewer { scopes } }"


def test_documents_are_added_by_the_digest_of_their_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, listed = tmp_path / "a.graphql", tmp_path / "b.graphql", tmp_path / "list.json"
    first.write_text(GOOD + "\n")
    second.write_text("{ __typename }")

    add([first], listed)
    add([second], listed)
    check(listed)

    assert json.loads(listed.read_text()) == {id_of(GOOD): GOOD, id_of("{ __typename }"): "{ __typename }"}
    told = capsys.readouterr()
    assert told.out.splitlines() == [f"{id_of(GOOD)}  {first}", f"{id_of('{ __typename }')}  {second}"]
    assert told.err == "2 documents fit the schema\n"


@pytest.mark.parametrize("text", ["{ nothing }", "{", "", "{ " + "a " * 5_000 + "}"])
def test_a_document_that_is_not_fit_to_run_is_not_added(tmp_path: Path, text: str) -> None:
    source, listed = tmp_path / "a.graphql", tmp_path / "list.json"
    source.write_text(text)

    with pytest.raises(DocumentListError, match=r"a\.graphql is not fit to run: "):
        add([source], listed)

    assert not listed.exists()


@pytest.mark.parametrize(
    "content",
    [b"[]", b"{", b'{"sha256:00": "{ a }"}', b'{"a": 1}', b"\xff", json.dumps({id_of(GOOD): GOOD + " "}).encode()],
    ids=["list", "torn", "wrong id", "number", "bytes", "changed text"],
)
def test_a_list_that_was_changed_is_refused(tmp_path: Path, content: bytes) -> None:
    listed = tmp_path / "list.json"
    listed.write_bytes(content)

    with pytest.raises(DocumentListError):
        read_list(listed)
