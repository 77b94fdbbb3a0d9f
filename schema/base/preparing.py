"""From the text of a document to a document ready to run: weighed, parsed, weighed again, validated."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from graphql import DocumentNode, GraphQLError, GraphQLSchema, GraphQLSyntaxError, parse, validate

from app.core.errors import OmsError
from schema.base.documents import TOKEN_BYTES, Prepared
from schema.base.errors import coded
from schema.base.guard import (
    COMMENTS_MAX,
    TOKENS_MAX,
    Excess,
    excess_of,
    excess_of_anonymous,
    excess_of_text,
    is_introspecting,
)
from schema.base.paths import literal_path
from schema.base.sharing import Answer

# Each may quote as much as the guard let through.
VALIDATION_ERRORS_MAX: Final = 5
MESSAGE_LENGTH_MAX: Final = 500


class DocumentTooComplexError(OmsError):
    """The document is too long, too deep or too wide to be looked at any further."""

    code = "DOCUMENT_TOO_COMPLEX"


class DocumentUnparsableError(OmsError):
    """The document is no GraphQL."""

    code = "GRAPHQL_PARSE_FAILED"


class DocumentInvalidError(OmsError):
    """The document does not fit the schema."""

    code = "GRAPHQL_VALIDATION_FAILED"


def check_anonymous(text: str, check_credential: Callable[[], None]) -> None:
    """Raises DocumentTooComplexError for a text that is not looked at when nobody answers for it.

    Whoever has a credential that does not hold hears of that instead.
    """
    excess = excess_of_anonymous(text)
    if excess is not None:
        check_credential()
        raise DocumentTooComplexError(_told(excess), limit=excess.limit)


def prepare(schema: GraphQLSchema, text: str, *, has_suggestions: bool) -> Prepared:
    """The document ready to run, or with what is wrong with it."""
    excess = excess_of_text(text)
    if excess is not None:
        return _unfit(text, excess)
    try:
        document = parse(text, max_lexical_tokens=TOKENS_MAX, max_comments=COMMENTS_MAX)
        excess = excess_of(document)
        if excess is not None:
            return _unfit(text, excess)
        errors = validate(schema, document, max_errors=VALIDATION_ERRORS_MAX, hide_suggestions=not has_suggestions)
    except GraphQLSyntaxError as error:
        if "more than" in error.message or "too deeply" in error.message:
            return _too_complex(text, error.message.removeprefix("Syntax Error: "))
        return Prepared(text=text, document=None, errors=(_located(error, DocumentUnparsableError.code),))
    except RecursionError:
        return _too_complex(text, "The document is nested too deeply.")
    if errors:
        return Prepared(text=text, document=None, errors=tuple(_invalid(document, error) for error in errors))
    size = _tokens(document) * TOKEN_BYTES
    return Prepared(text=text, document=document, is_introspecting=is_introspecting(document), size=size)


def _tokens(document: DocumentNode) -> int:
    count = 0
    token = document.loc.start_token if document.loc else None
    while token is not None:
        count, token = count + 1, token.next
    return count


def _invalid(document: DocumentNode, error: GraphQLError) -> Answer:
    path = literal_path(document, error)
    if path is None:
        return _located(error, DocumentInvalidError.code)
    return _located(error, "BAD_USER_INPUT", path=path)


def _located(error: GraphQLError, code: str, *, path: Sequence[str] = ()) -> Answer:
    answer = coded(code, error.message[:MESSAGE_LENGTH_MAX], path=path)
    if error.locations:
        answer["locations"] = [location.formatted for location in error.locations]
    return answer


def _unfit(text: str, excess: Excess) -> Prepared:
    return _too_complex(text, _told(excess), limit=excess.limit)


def _told(excess: Excess) -> str:
    return f"The document has more than {excess.limit} {excess.what}."


def _too_complex(text: str, message: str, **facts: Any) -> Prepared:
    return Prepared(text=text, document=None, errors=(coded(DocumentTooComplexError.code, message, **facts),))
