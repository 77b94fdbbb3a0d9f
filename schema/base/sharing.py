"""Execute once, share the bytes: an event that many follow with the same selection is made into JSON a single time."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeGuard

import orjson
from graphql import FieldNode, FragmentSpreadNode, InlineFragmentNode, SelectionSetNode
from graphql.execution import Executor

from schema.base.context import RequestContext

Answer = dict[str, Any]


class SharedEvent(Protocol):
    """An event whose answer is the same for all with the same selection and power, but for its number."""

    sequence: int
    answers: dict[Hashable, Any] | None


def is_shared(event: Any) -> TypeGuard[SharedEvent]:
    """True for an event that others get too."""
    return getattr(event, "answers", None) is not None


def is_beating(event: Any) -> bool:
    """True for an event of a live table: it has heartbeats, and each of them is a look at the viewer's power."""
    return hasattr(event, "answers")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """An answer in pieces of JSON; what counts the batches of a subscription is put in for each."""

    root: str
    pieces: dict[str, Any]
    numbered: tuple[str, ...]

    def answer(self, sequence: int) -> Answer:
        return {"data": {self.root: self.pieces | dict.fromkeys(self.numbered, sequence)}}


class SharedAnswers:
    """The answers of one subscription, shared with all that are equal to it.

    Fields below such an event must not depend on the viewer beyond the tenant, the scopes and the accounts.
    """

    def __init__(
        self, executor: Executor[Any], document: str, operation_name: str | None, variables: dict[str, Any]
    ) -> None:
        self._key = (document, operation_name, orjson.dumps(variables, option=orjson.OPT_SORT_KEYS))
        self._numbered = tuple(dict.fromkeys(_answers_of(executor, "sequence")))

    async def answer(
        self, event: SharedEvent, context: RequestContext, tell: Callable[[Any, RequestContext], Awaitable[Answer]]
    ) -> Answer:
        """The answer to the event: executed by the first who asks, with the number of this subscription."""
        assert event.answers is not None
        key = (*self._key, context.principal.scopes, context.principal.accounts)
        work: asyncio.Task[_Frame | None] | None = event.answers.get(key)
        if work is None:
            # A task of its own: the first may leave while others wait for it.
            work = event.answers[key] = asyncio.create_task(self._frame(tell(event, context)))
        frame = work.result() if work.done() else await asyncio.shield(work)
        return await tell(event, context) if frame is None else frame.answer(event.sequence)

    async def _frame(self, telling: Awaitable[Answer]) -> _Frame | None:
        answer = await telling
        if "errors" in answer:
            # Errors name the request that met them.
            return None
        ((root, batch),) = answer["data"].items()
        pieces = {name: orjson.Fragment(orjson.dumps(value)) for name, value in batch.items()}
        numbered = tuple(name for name in self._numbered if name in pieces)
        return _Frame(root=root, pieces=pieces, numbered=numbered)


def _answers_of(executor: Executor[Any], field: str) -> Iterator[str]:
    # Names in the answer, below the root field, that stand for the field.
    for root in fields_of(executor, executor.operation.selection_set):
        if root.selection_set is not None:
            for node in fields_of(executor, root.selection_set):
                if node.name.value == field:
                    yield (node.alias or node.name).value


def fields_of(executor: Executor[Any], selections: SelectionSetNode) -> Iterator[FieldNode]:
    """The fields of a selection, those of its fragments included."""
    for selection in selections.selections:
        if isinstance(selection, FieldNode):
            yield selection
        elif isinstance(selection, InlineFragmentNode):
            yield from fields_of(executor, selection.selection_set)
        elif isinstance(selection, FragmentSpreadNode):
            yield from fields_of(executor, executor.fragment_definitions[selection.name.value].selection_set)
