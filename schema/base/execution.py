"""The one way from a document to its answer, for HTTP and for sockets."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, Final, Literal

from graphql import (
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    execute,
    get_operation_ast,
)
from graphql.execution import Executor, create_source_event_stream

from app.core.errors import ForbiddenError, OmsError, UnauthenticatedError
from app.flows.tenants.platform_tenants import note_act
from app.identity.errors import AccessChangedError
from schema.base.aside import ASIDE_LENGTH_MIN, Aside, Elsewhere
from schema.base.budget import AnswerTooLargeError, BudgetedExecutor
from schema.base.charging import UNFIT_COST, UNSEEN_COST, charge, charge_operation
from schema.base.compiled import CompiledOperation, Compiler
from schema.base.context import RequestContext
from schema.base.cost import COST_MAX, Costs, CostTooHighError
from schema.base.documents import COMPILED_FIELD_BYTES, DocumentCache, Prepared
from schema.base.errors import KnownAs, coded, formatted, innermost
from schema.base.paths import variable_errors
from schema.base.permissions import Requirement
from schema.base.persisted import PersistedDocuments
from schema.base.preparing import check_anonymous, prepare
from schema.base.sharing import Answer, SharedAnswers, fields_of, is_beating, is_shared

COERCION_ERRORS_MAX: Final = 20
RECHECK_EVERY_S: Final = 5.0
COMPILED_AFTER: Final = 1
_log = logging.getLogger("oms.graphql")

Introspection = Literal["off", "signed-in", "all"]
"""Who may ask for the schema."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a client asks: a document or the id of a listed one, which of its operations, and the variables' values."""

    document: str | None = None
    document_id: str | None = None
    operation_name: str | None = None
    variables: Mapping[str, Any] | None = None


class IntrospectionRefusedError(OmsError):
    """The schema is not told here."""

    code = "INTROSPECTION_OFF"

    def __init__(self) -> None:
        super().__init__("The schema is not told here: it is published with the documentation.")


class OperationNameRequiredError(OmsError):
    """The document has several operations, or none, and none was named."""

    code = "OPERATION_NAME_REQUIRED"


class OperationUnknownError(OmsError):
    """The document has no operation of that name."""

    code = "OPERATION_UNKNOWN"


class SubscriptionOverHttpError(OmsError):
    """Subscriptions go over a WebSocket."""

    code = "SUBSCRIPTION_OVER_HTTP"


class GraphQLEngine:
    """Runs documents over the schema. What was parsed, weighed and validated once is kept by its text."""

    def __init__(
        self,
        schema: GraphQLSchema,
        requirements: Mapping[str, Requirement],
        *,
        introspection: Introspection = "all",
        known_as: KnownAs,
        costs: Mapping[tuple[str, str], int] | None = None,
        ways_in: Collection[str] = (),
        persisted: PersistedDocuments | None = None,
        recheck_every_s: float = RECHECK_EVERY_S,
        compiled_after: int = COMPILED_AFTER,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        """`requirements` are those of the subscriptions, by their name in GraphQL; `costs` those of the root fields;
        `ways_in` are mutations that are charged by address, whoever asks.

        An operation is compiled once it was run `compiled_after` times. `elsewhere` is the process that looks at long
        documents (see preparing_process); its owner made it with the same schema.
        """
        self._schema = schema
        self._compiler = Compiler(schema)
        self._requirements = requirements
        self._introspection = introspection
        self._costs = Costs(schema, costs or {})
        self._ways_in = frozenset(ways_in)
        self._persisted = persisted or PersistedDocuments()
        self.known_as = known_as
        self._recheck_every_s = recheck_every_s
        self._compiled_after = compiled_after
        self._documents = DocumentCache()
        self._aside = Aside(self._prepare, elsewhere)
        for name, text in self._persisted.texts.items():
            listed = self._prepare(text)
            if listed.document is None:
                _log.warning("the listed document %s is not fit to run: %s", name, listed.errors[0]["message"])
            self._documents.list(listed)

    async def answer(self, asked: Asked, context: RequestContext) -> Answer:
        """The answer of a query or a mutation."""
        try:
            prepared, operation = await self._charged(asked, context)
        except _RefusedError as refused:
            return refused.answer
        if operation.operation is OperationType.SUBSCRIPTION:
            return refusal(SubscriptionOverHttpError("Subscriptions go over a WebSocket: graphql-transport-ws."))
        if context.is_of_platform and (unnoted := await self._noted(operation, context)) is not None:
            return unnoted
        return await self._execute(prepared, operation, asked, context)

    async def stream(self, asked: Asked, context: RequestContext) -> AsyncGenerator[Answer, None]:
        """The answers of any operation: one of a query or a mutation, one for each event of a subscription.

        An answer without data ends the operation: it was refused, or what it follows has failed.
        """
        try:
            prepared, operation = await self._charged(asked, context)
        except _RefusedError as refused:
            yield refused.answer
            return
        if context.is_of_platform and (unnoted := await self._noted(operation, context)) is not None:
            yield unnoted
            return
        if operation.operation is not OperationType.SUBSCRIPTION:
            yield await self._execute(prepared, operation, asked, context)
            return
        async with aclosing(self._follow(prepared, operation, asked, context)) as answers:
            async for answer in answers:
                yield answer

    def prepare(self, text: str) -> Prepared:
        """The document, from memory when it was seen before."""
        known = self._documents.find(text)
        if known is None:
            known = self._prepare(text)
            self._documents.try_out(known)
        return known

    async def _ready(self, text: str, context: RequestContext) -> Prepared:
        if len(text) < ASIDE_LENGTH_MIN:
            return self.prepare(text)
        known = self._documents.find(text)
        if known is None:
            holder = context.principal.tenant_id if context.is_signed_in else context.client.ip_address
            made = await self._aside.prepare(text, holder)
            known = self._documents.find(text)
            if known is None:
                known = made
                self._documents.try_out(known)
        return known

    def _prepare(self, text: str) -> Prepared:
        return prepare(self._schema, text, has_suggestions=self._introspection == "all")

    async def _charged(self, asked: Asked, context: RequestContext) -> tuple[Prepared, OperationDefinitionNode]:
        is_seen = asked.document is None or self._documents.find(asked.document) is not None
        try:
            if not is_seen:
                await charge(context, UNSEEN_COST)
            try:
                prepared, operation = await self._operation(asked, context)
            except _RefusedError:
                if is_seen:
                    await charge(context, UNFIT_COST)
                raise
            document, variables = prepared.document, asked.variables or {}
            assert document is not None, "an operation was found in it"
            await charge_operation(context, document, operation, variables, self._ways_in, is_first=is_seen)
        except OmsError as error:
            # RATE_LIMITED, or too many wait to be charged.
            raise _RefusedError(refusal(error)) from error
        return prepared, operation

    async def _operation(self, asked: Asked, context: RequestContext) -> tuple[Prepared, OperationDefinitionNode]:
        try:
            text = self._persisted.text(asked.document, asked.document_id)
            if not context.is_signed_in:
                check_anonymous(text, context.check_credential)
            prepared = await self._ready(text, context)
            if prepared.document is None:
                raise _RefusedError({"errors": list(prepared.errors)})
            if prepared.is_introspecting:
                self._check_introspection(context)
            operation = get_operation_ast(prepared.document, asked.operation_name)
            if operation is None:
                raise _unnamed(asked)
            context.cost = self._cost(prepared, operation, asked)
        except OmsError as error:
            raise _RefusedError(refusal(error)) from error
        if context.is_signed_in:
            self._documents.use(prepared, context.principal.tenant_id)
        return prepared, operation

    def _check_introspection(self, context: RequestContext) -> None:
        if self._introspection == "off":
            raise IntrospectionRefusedError
        if self._introspection == "signed-in" and not context.is_signed_in:
            raise UnauthenticatedError("The schema is shown to those who are signed in.")

    def _cost(self, prepared: Prepared, operation: OperationDefinitionNode, asked: Asked) -> int:
        name = None if operation.name is None else operation.name.value
        plan = prepared.costs.get(name)
        if plan is None:
            assert prepared.document is not None, "an operation was found in it"
            plan = prepared.costs[name] = self._costs.plan(prepared.document, operation)
        cost = plan.cost(asked.variables or {})
        if cost > COST_MAX:
            raise CostTooHighError(cost)
        return cost

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
            compiled = prepared.compiled[name] = self._compiler.compile(prepared.document, operation)
            if compiled is not None:
                self._documents.grow(prepared, compiled.size * COMPILED_FIELD_BYTES)
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
        sharing = SharedAnswers(executor, prepared.text, asked.operation_name, _variables(asked))

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
                    if principal.accounts != context.principal.accounts:
                        raise AccessChangedError
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

    async def _noted(self, operation: OperationDefinitionNode, context: RequestContext) -> Answer | None:
        # What the platform looks at in a tenant is written down before it is shown, or it is not shown.
        fields = [
            one.name.value if isinstance(one, FieldNode) else f"...{getattr(getattr(one, 'name', None), 'value', '')}"
            for one in operation.selection_set.selections
        ]
        name = None if operation.name is None else operation.name.value
        try:
            await note_act(context.desk.door, context.principal, operation.operation.value, name, fields)
        except Exception as error:
            return self._failed(error, fields[0], context)
        return None

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


def _variables(asked: Asked) -> dict[str, Any]:
    return dict(asked.variables or {})


def _root_field(executor: Executor[Any]) -> str:
    # Validation let one field through; it may stand in a fragment.
    return next(fields_of(executor, executor.operation.selection_set)).name.value


def _unnamed(asked: Asked) -> OmsError:
    if asked.operation_name is None:
        return OperationNameRequiredError("Name the operation: the document has several, or none.")
    return OperationUnknownError("The document has no operation of that name.")


class _RefusedError(Exception):
    def __init__(self, answer: Answer) -> None:
        self.answer = answer


def refusal(error: OmsError) -> Answer:
    """The answer to a request that was refused before it ran."""
    answer = coded(error.code, error.message, path=error.path, **error.facts)
    if error.is_retryable:
        answer["extensions"]["retryable"] = True
    return {"errors": [answer]}
