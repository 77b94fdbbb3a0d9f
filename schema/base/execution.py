"""The one way from a document to its answer, for HTTP and for sockets."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any, Final

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    execute,
    get_operation_ast,
    parse,
    validate,
)
from graphql.execution import Executor, create_source_event_stream

from app.core.errors import ForbiddenError, OmsError
from schema.base.budget import AnswerTooLargeError, BudgetedExecutor
from schema.base.compiled import CompiledOperation, Compiler
from schema.base.context import RequestContext
from schema.base.errors import KnownAs, coded, formatted, innermost
from schema.base.guard import COMMENTS_MAX, LENGTH_MAX, TOKENS_MAX, excess_of, is_introspecting
from schema.base.paths import literal_path, variable_errors
from schema.base.permissions import Requirement
from schema.base.sharing import Answer, SharedAnswers, fields_of, is_beating, is_shared

DOCUMENTS_MAX: Final = 1_000
DOCUMENT_BYTES_MAX: Final = 64 * 1024 * 1024
# Measured: what a parsed document keeps for each of its tokens, itself and the nodes made of it.
TOKEN_BYTES: Final = 420
CHARACTER_BYTES: Final = 4
VALIDATION_ERRORS_MAX: Final = 20
COERCION_ERRORS_MAX: Final = 20
RECHECK_EVERY_S: Final = 5.0
COMPILED_AFTER: Final = 1
MESSAGE_LENGTH_MAX: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a client asks: a document, which of its operations, and the values of its variables."""

    document: str
    operation_name: str | None = None
    variables: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A document ready to run, or what is wrong with it."""

    document: DocumentNode | None
    is_introspecting: bool = False
    errors: tuple[Answer, ...] = ()
    size: int = 0
    """Bytes that it keeps, without its text."""
    compiled: dict[str | None, CompiledOperation | None] = field(default_factory=dict)
    """Its operations that were compiled, by name; None for one that only the executor can run."""
    runs: dict[str | None, int] = field(default_factory=dict)
    """How often each of its operations was run before it was compiled."""


class GraphQLEngine:
    """Runs documents over the schema. What was parsed, weighed and validated once is kept by its text."""

    def __init__(
        self,
        schema: GraphQLSchema,
        requirements: Mapping[str, Requirement],
        *,
        is_open_to_introspection: bool,
        known_as: KnownAs,
        recheck_every_s: float = RECHECK_EVERY_S,
        compiled_after: int = COMPILED_AFTER,
    ) -> None:
        """`requirements` are those of the subscriptions, by their name in GraphQL.

        An operation is compiled once it was run `compiled_after` times.
        """
        self._schema = schema
        self._compiler = Compiler(schema)
        self._requirements = requirements
        self._is_open_to_introspection = is_open_to_introspection
        self.known_as = known_as
        self._recheck_every_s = recheck_every_s
        self._compiled_after = compiled_after
        self._documents: OrderedDict[str, Prepared] = OrderedDict()
        self._document_bytes = 0

    async def answer(self, asked: Asked, context: RequestContext) -> Answer:
        """The answer of a query or a mutation."""
        found = self._operation(asked, context)
        if isinstance(found, dict):
            return found
        prepared, operation = found
        if operation.operation is OperationType.SUBSCRIPTION:
            return _refused("SUBSCRIPTION_OVER_HTTP", "Subscriptions go over a WebSocket: graphql-transport-ws.")
        return await self._execute(prepared, operation, asked, context)

    async def stream(self, asked: Asked, context: RequestContext) -> AsyncGenerator[Answer, None]:
        """The answers of any operation: one of a query or a mutation, one for each event of a subscription.

        An answer without data ends the operation: it was refused, or what it follows has failed.
        """
        found = self._operation(asked, context)
        if isinstance(found, dict):
            yield found
            return
        prepared, operation = found
        if operation.operation is not OperationType.SUBSCRIPTION:
            yield await self._execute(prepared, operation, asked, context)
            return
        async with aclosing(self._follow(prepared, operation, asked, context)) as answers:
            async for answer in answers:
                yield answer

    def prepare(self, text: str) -> Prepared:
        """The document, from memory when it was seen before."""
        known = self._documents.get(text)
        if known is not None:
            self._documents.move_to_end(text)
            return known
        prepared = self._prepare(text)
        self._documents[text] = prepared
        self._document_bytes += _kept(text, prepared)
        while len(self._documents) > DOCUMENTS_MAX or self._document_bytes > DOCUMENT_BYTES_MAX:
            forgotten, shed = self._documents.popitem(last=False)
            self._document_bytes -= _kept(forgotten, shed)
        return prepared

    def _prepare(self, text: str) -> Prepared:
        if len(text) > LENGTH_MAX:
            return _unfit("DOCUMENT_TOO_COMPLEX", f"The document has more than {LENGTH_MAX} characters.")
        try:
            document = parse(text, max_lexical_tokens=TOKENS_MAX, max_comments=COMMENTS_MAX)
            excess = excess_of(document)
            if excess is not None:
                message = f"The document has more than {excess.limit} {excess.what}."
                return _unfit("DOCUMENT_TOO_COMPLEX", message, limit=excess.limit)
            errors = validate(
                self._schema,
                document,
                max_errors=VALIDATION_ERRORS_MAX,
                hide_suggestions=not self._is_open_to_introspection,
            )
        except GraphQLSyntaxError as error:
            if "more than" in error.message or "too deeply" in error.message:
                return _unfit("DOCUMENT_TOO_COMPLEX", error.message.removeprefix("Syntax Error: "))
            return Prepared(document=None, errors=(_located(error, "GRAPHQL_PARSE_FAILED"),))
        except RecursionError:
            return _unfit("DOCUMENT_TOO_COMPLEX", "The document is nested too deeply.")
        if errors:
            return Prepared(document=None, errors=tuple(_invalid(document, error) for error in errors))
        size = _tokens(document) * TOKEN_BYTES
        return Prepared(document=document, is_introspecting=is_introspecting(document), size=size)

    def _operation(self, asked: Asked, context: RequestContext) -> tuple[Prepared, OperationDefinitionNode] | Answer:
        prepared = self.prepare(asked.document)
        if prepared.document is None:
            return {"errors": list(prepared.errors)}
        if prepared.is_introspecting and not (self._is_open_to_introspection or context.is_signed_in):
            return _refused("UNAUTHENTICATED", "The schema is shown to those who are signed in.")
        operation = get_operation_ast(prepared.document, asked.operation_name)
        if operation is None:
            if asked.operation_name is None:
                return _refused("OPERATION_NAME_REQUIRED", "Name the operation: the document has several, or none.")
            return _refused("OPERATION_UNKNOWN", "The document has no operation of that name.")
        return prepared, operation

    def _compiled(
        self, prepared: Prepared, operation: OperationDefinitionNode, *, is_repeated: bool = False
    ) -> CompiledOperation | None:
        # What is asked once is not worth compiling.
        name = None if operation.name is None else operation.name.value
        if name not in prepared.compiled:
            runs = prepared.runs.get(name, 0)
            if runs < self._compiled_after and not is_repeated:
                prepared.runs[name] = runs + 1
                return None
            assert prepared.document is not None, "an operation was found in it"
            prepared.compiled[name] = self._compiler.compile(prepared.document, operation)
        return prepared.compiled[name]

    async def _execute(
        self, prepared: Prepared, operation: OperationDefinitionNode, asked: Asked, context: RequestContext
    ) -> Answer:
        compiled = self._compiled(prepared, operation)
        run = None if compiled is None else compiled.start(asked.variables or {}, context)
        if compiled is not None and run is not None:
            is_serial = operation.operation is OperationType.MUTATION
            return self._answer(await compiled.execute(run, is_serial=is_serial), context)
        document = prepared.document
        assert document is not None, "an operation was found in it"
        result = execute(
            self._schema,
            document,
            context_value=context,
            variable_values=_variables(asked),
            operation_name=asked.operation_name,
            max_coercion_errors=COERCION_ERRORS_MAX,
            executor_class=BudgetedExecutor,
        )
        if isawaitable(result):
            result = await result
        if result.data is None and result.errors and result.errors[0].path is None:
            return self._uncoerced(operation, asked, result.errors, context)
        return self._answer(result, context)

    async def _follow(
        self, prepared: Prepared, operation: OperationDefinitionNode, asked: Asked, context: RequestContext
    ) -> AsyncGenerator[Answer, None]:
        document = prepared.document
        assert document is not None, "an operation was found in it"
        executor = BudgetedExecutor.build(
            self._schema,
            document,
            context_value=context,
            raw_variable_values=_variables(asked),
            operation_name=asked.operation_name,
            max_coercion_errors=COERCION_ERRORS_MAX,
        )
        if isinstance(executor, list):
            yield self._uncoerced(operation, asked, executor, context)
            return
        source = create_source_event_stream(executor)
        if isawaitable(source):
            source = await source
        if isinstance(source, ExecutionResult):
            _note_refusals(source.errors or (), context)
            yield {"errors": [self._formatted(error, context) for error in source.errors or ()]}
            return
        name = _root_field(executor)
        requirement = self._requirements[name]
        compiled = self._compiled(prepared, operation, is_repeated=True)
        sharing = SharedAnswers(executor, asked.document, asked.operation_name, _variables(asked))

        async def tell(event: Any, context: RequestContext) -> Answer:
            run = None if compiled is None else compiled.start(asked.variables or {}, context)
            if compiled is not None and run is not None:
                return self._answer(await compiled.tell(event, run), context)
            event_executor = executor.build_per_event_executor(event)
            event_executor.context_value = context
            result: Any = event_executor.execute_operation(False)
            return self._answer(await result if isawaitable(result) else result, context)

        # The source is read in a task of its own, so that power is looked after while nothing happens.
        async with aclosing(_Patient(source, self._recheck_every_s)) as events:
            while True:
                try:
                    event = await anext(events)
                    principal = await context.desk.door.authenticator.recheck(context.principal)
                    requirement.check(principal)
                except StopAsyncIteration:
                    return
                except Exception as error:
                    yield self._failed(error, name, context)
                    return
                if event is _QUIET:
                    continue
                events.is_beating = is_beating(event)
                anew = context.anew(principal)
                if is_shared(event):
                    yield await sharing.answer(event, anew, tell)
                else:
                    yield await tell(event, anew)

    def _failed(self, error: Exception, name: str, context: RequestContext) -> Answer:
        wrapped = GraphQLError(str(error), path=[name], original_error=error)
        _note_refusals([wrapped], context)
        return {"errors": [self._formatted(wrapped, context)]}

    def _uncoerced(
        self,
        operation: OperationDefinitionNode,
        asked: Asked,
        errors: Sequence[GraphQLError],
        context: RequestContext,
    ) -> Answer:
        located = variable_errors(self._schema, operation, _variables(asked), limit=COERCION_ERRORS_MAX)
        return {"errors": located or [self._formatted(error, context) for error in errors]}

    def _answer(self, result: ExecutionResult, context: RequestContext) -> Answer:
        answer: Answer = {"data": result.data}
        if result.errors:
            _note_refusals(result.errors, context)
            too_large = next(
                (one for one in result.errors if isinstance(one.original_error, AnswerTooLargeError)), None
            )
            if too_large is not None:
                # What came before the end of the budget is chance: nothing of it is told.
                return {"data": None, "errors": [self._formatted(too_large, context)]}
            answer["errors"] = [self._formatted(error, context) for error in result.errors]
        return answer

    def _formatted(self, error: GraphQLError, context: RequestContext) -> Answer:
        return formatted(error, request_id=context.client.request_id, known_as=self.known_as)


_QUIET: Final = object()


class _Patient:
    """Reads a source and says _QUIET whenever it was silent for a while, without losing what it was about to say."""

    def __init__(self, source: Any, patience_s: float) -> None:
        self._source = aiter(source)
        self._patience_s = patience_s
        self._next: asyncio.Task[Any] | None = None
        self.is_beating = False
        """True when the source says something often enough by itself."""

    async def __anext__(self) -> Any:
        if self.is_beating:
            return await self._source.__anext__()
        if self._next is None:
            self._next = asyncio.ensure_future(self._source.__anext__())
        done, _ = await asyncio.wait([self._next], timeout=self._patience_s)
        if not done:
            return _QUIET
        task, self._next = self._next, None
        return task.result()

    async def aclose(self) -> None:
        if self._next is not None:
            self._next.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration, Exception):
                await self._next
        close: Callable[[], Any] | None = getattr(self._source, "aclose", None)
        if close is not None:
            await close()


def _note_refusals(errors: Sequence[GraphQLError], context: RequestContext) -> None:
    for error in errors:
        original = innermost(error)
        if isinstance(original, ForbiddenError) and error.path is not None:
            node = error.nodes[0] if error.nodes else None
            operation = node.name.value if isinstance(node, FieldNode) else str(error.path[0])
            context.note_refusal(operation, original)


def _kept(text: str, prepared: Prepared) -> int:
    return CHARACTER_BYTES * len(text) + prepared.size


def _tokens(document: DocumentNode) -> int:
    count = 0
    token = document.loc.start_token if document.loc else None
    while token is not None:
        count, token = count + 1, token.next
    return count


def _variables(asked: Asked) -> dict[str, Any]:
    return dict(asked.variables or {})


def _root_field(executor: Executor[Any]) -> str:
    # Validation let one field through; it may stand in a fragment.
    return next(fields_of(executor, executor.operation.selection_set)).name.value


def _invalid(document: DocumentNode, error: GraphQLError) -> Answer:
    path = literal_path(document, error)
    if path is None:
        return _located(error, "GRAPHQL_VALIDATION_FAILED")
    return _located(error, "BAD_USER_INPUT", path=path)


def _located(error: GraphQLError, code: str, *, path: Sequence[str] = ()) -> Answer:
    answer = coded(code, error.message[:MESSAGE_LENGTH_MAX], path=path)
    if error.locations:
        answer["locations"] = [location.formatted for location in error.locations]
    return answer


def _unfit(code: str, message: str, **facts: Any) -> Prepared:
    return Prepared(document=None, errors=(coded(code, message, **facts),))


def _refused(code: str, message: str) -> Answer:
    return {"errors": [coded(code, message)]}


def refusal(error: OmsError) -> Answer:
    """The answer to a request that was refused before it ran."""
    answer = coded(error.code, error.message, path=error.path, **error.facts)
    if error.is_retryable:
        answer["extensions"]["retryable"] = True
    return {"errors": [answer]}
