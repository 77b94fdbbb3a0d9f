"""Documents that are listed: asked by their id, and in the strict mode the only ones that run."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal

import orjson

from app.core.errors import OmsError

Mode = Literal["off", "allow", "require"]
PREFIX: Final = "sha256:"
LIST_BYTES_MAX: Final = 16 * 1024 * 1024
DOCUMENTS_MAX: Final = 5_000


class DocumentUnknownError(OmsError):
    """No document is listed under the id."""

    code = "PERSISTED_DOCUMENT_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("No document is listed under this id: send its text.", path=["documentId"])


class DocumentNotListedError(OmsError):
    """Only listed documents run here, and this one is not among them."""

    code = "DOCUMENT_NOT_LISTED"

    def __init__(self) -> None:
        super().__init__("Only listed documents are run here.", path=["query"])


class DocumentListError(OmsError):
    """The list of documents cannot be used: it is unreadable, or a document in it is not fit to run."""

    code = "DOCUMENT_LIST_INVALID"


def id_of(text: str) -> str:
    """The id of a document: sha256: and the digest of its text in UTF-8, in hexadecimal.

    Source: GraphQL over HTTP, appendix A, Persisted Documents.
    """
    return PREFIX + sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def read_list(path: Path) -> dict[str, str]:
    """The documents of a list by their ids: a JSON object of ids and texts. Ids may come without their prefix.

    Raises DocumentListError when it cannot be read, or an id is not that of its text.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LIST_BYTES_MAX + 1)
        if len(content) > LIST_BYTES_MAX:
            raise DocumentListError(f"{path} has more than {LIST_BYTES_MAX} bytes")
        listed = orjson.loads(content)
    except (OSError, orjson.JSONDecodeError) as error:
        raise DocumentListError(f"cannot read {path}: {error}") from error
    if not isinstance(listed, dict) or len(listed) > DOCUMENTS_MAX:
        raise DocumentListError(f"{path} is not an object of at most {DOCUMENTS_MAX} ids and documents")
    found: dict[str, str] = {}
    for name, text in listed.items():
        known = normal_id(name)
        if not isinstance(text, str) or id_of(text) != known:
            raise DocumentListError(f"{path}: {name[:80]!r} is not the id of its document: see `oms documents add`")
        found[known] = text
    return found


def normal_id(name: str) -> str:
    """The id with its prefix and in small letters."""
    return PREFIX + name.removeprefix(PREFIX).lower()


class PersistedDocuments:
    """The list, and what its mode makes of a request."""

    def __init__(self, mode: Mode = "allow", texts: Mapping[str, str] | None = None) -> None:
        self._mode = mode
        self._texts = dict(texts or {})
        self._listed = frozenset(self._texts.values())

    @property
    def texts(self) -> Mapping[str, str]:
        """The documents by their ids."""
        return self._texts

    def text(self, document: str | None, document_id: str | None) -> str:
        """The text that is asked for, by itself or by its id.

        Raises DocumentUnknownError, DocumentNotListedError.
        """
        if document is None:
            assert document_id is not None, "a request names its document or brings it"
            found = None if self._mode == "off" else self._texts.get(normal_id(document_id))
            if found is None:
                raise DocumentUnknownError
            return found
        if self._mode == "require" and document not in self._listed:
            raise DocumentNotListedError
        return document
