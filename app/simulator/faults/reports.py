"""Faults in what the server tells of orders: late, twice, in another order, incomplete, or not at all."""

from collections import defaultdict, deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator
from pydantic import Field as Describe
from pydantic.dataclasses import dataclass

from app.simulator.faults.behaviour import Behaviour, Stage
from app.simulator.faults.parameters import STRICT, Milliseconds, Parameters, Seconds
from app.simulator.faults.wire import (
    COMMISSION,
    COMMISSION_OF_COMMISSION,
    EXECUTION,
    EXECUTION_ID_OF_COMMISSION,
    FILLED_OF_STATUS,
    MESSAGES,
    NEXT_VALID_ID,
    OPEN_ORDER,
    ORDER_STATUS,
    Message,
)
from app.simulator.wire import UNSET_DOUBLE

if TYPE_CHECKING:
    from app.simulator.session import Session

HELD_MAX = 10_000
_ABOUT_ORDERS = (ORDER_STATUS, OPEN_ORDER)


def _known_messages(names: tuple[str, ...]) -> tuple[str, ...]:
    wrong = [name for name in names if name not in MESSAGES]
    if wrong:
        raise ValueError(f"no message is named {', '.join(wrong)}: {', '.join(MESSAGES)}")
    return names


MessageNames = Annotated[
    tuple[str, ...],
    Describe(max_length=20, description="which messages, by the API's names"),
    AfterValidator(_known_messages),
]


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class DelayParameters(Parameters):
    """Parameters of delay."""

    messages: MessageNames = ("orderStatus", "openOrder", "execDetails", "commissionReport")
    by_ms: Annotated[Milliseconds, Describe(description="how much later, in milliseconds")] = 300


class Delay(Behaviour[DelayParameters]):
    """Messages arrive later than they were sent; those of one client keep their order among themselves."""

    name = "delay"
    parameters_type = DelayParameters

    def __init__(self, parameters: DelayParameters, stage: Stage) -> None:
        super().__init__(parameters, stage)
        self._kinds = {MESSAGES[name] for name in self.parameters.messages}
        self._held: dict[Session, deque[Message]] = defaultdict(deque)

    def outgoing(self, session: "Session", message: Message) -> Sequence[Message]:
        if message.kind not in self._kinds or not self.covers_message(session, message):
            return (message,)
        held = self._held[session]
        if len(held) >= HELD_MAX or not self.chance.strikes_now():
            return (message,)
        held.append(message)
        self.stage.later(self.parameters.by_ms / 1_000, lambda: self._let_go(session))
        return ()

    def end(self) -> None:
        for session, held in self._held.items():
            self.stage.send(session, held)
        self._held.clear()

    def _let_go(self, session: "Session") -> None:
        held = self._held[session]
        if held:
            self.stage.send(session, [held.popleft()])


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class ReorderParameters(Parameters):
    """Parameters of reorder."""

    messages: MessageNames = ("orderStatus", "openOrder")
    behind: Annotated[int, Describe(ge=1, le=100, description="how many later messages overtake it")] = 2
    at_most_ms: Annotated[Milliseconds, Describe(description="after so long it leaves in any case")] = 200


class Reorder(Behaviour[ReorderParameters]):
    """A message is overtaken by later ones."""

    name = "reorder"
    parameters_type = ReorderParameters

    def __init__(self, parameters: ReorderParameters, stage: Stage) -> None:
        super().__init__(parameters, stage)
        self._kinds = {MESSAGES[name] for name in self.parameters.messages}
        self._held: dict[Session, list[tuple[Message, int]]] = defaultdict(list)

    def outgoing(self, session: "Session", message: Message) -> Sequence[Message]:
        if message.kind in self._kinds and self.covers_message(session, message) and self.chance.strikes_now():
            self._held[session].append((message, self.parameters.behind))
            self.stage.later(self.parameters.at_most_ms / 1_000, lambda: self._let_go(session, message))
            return ()
        waiting = [(held, left - 1) for held, left in self._held[session]]
        self._held[session] = [(held, left) for held, left in waiting if left > 0]
        return (message, *(held for held, left in waiting if left <= 0))

    def end(self) -> None:
        for session, held in self._held.items():
            self.stage.send(session, [message for message, _ in held])
        self._held.clear()

    def _let_go(self, session: "Session", message: Message) -> None:
        if any(held is message for held, _ in self._held[session]):
            self._held[session] = [one for one in self._held[session] if one[0] is not message]
            self.stage.send(session, [message])


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class DuplicateParameters(Parameters):
    """Parameters of duplicate."""

    messages: MessageNames = ("orderStatus",)
    copies: Annotated[int, Describe(ge=1, le=20, description="how many more than the one")] = 1
    after_ms: Annotated[Milliseconds, Describe(description="how much later the copies come")] = 0


class Duplicate(Behaviour[DuplicateParameters]):
    """The same message is told again, as gateways do with every status and at times with an execution."""

    name = "duplicate"
    parameters_type = DuplicateParameters

    def outgoing(self, session: "Session", message: Message) -> Sequence[Message]:
        kinds = {MESSAGES[name] for name in self.parameters.messages}
        if message.kind not in kinds or not self.covers_message(session, message) or not self.chance.strikes_now():
            return (message,)
        copies = [message.copy() for _ in range(self.parameters.copies)]
        if not self.parameters.after_ms:
            return (message, *copies)
        self.stage.later(self.parameters.after_ms / 1_000, lambda: self.stage.send(session, copies))
        return (message,)


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class FillFirstParameters(Parameters):
    """Parameters of fill-before-acknowledgement."""

    hold_ms: Annotated[Milliseconds, Describe(description="how long an acknowledgement waits for an execution")] = 300


class FillFirst(Behaviour[FillFirstParameters]):
    """The execution comes before openOrder and orderStatus say that the order was taken."""

    name = "fill-before-acknowledgement"
    parameters_type = FillFirstParameters

    def __init__(self, parameters: FillFirstParameters, stage: Stage) -> None:
        super().__init__(parameters, stage)
        self._held: dict[tuple[Session, int], list[Message]] = {}
        self._told: set[int] = set()

    def outgoing(self, session: "Session", message: Message) -> Sequence[Message]:
        perm_id = message.perm_id
        if not perm_id or perm_id in self._told:
            return (message,)
        key = (session, perm_id)
        if message.kind == EXECUTION:
            self._told.add(perm_id)
            return (message, *self._held.pop(key, ()))
        if key in self._held:
            self._held[key].append(message)
            return ()
        if not self.covers_message(session, message) or not self.chance.strikes_at(perm_id):
            return (message,)
        self._held[key] = [message]
        self.stage.later(self.parameters.hold_ms / 1_000, lambda: self._let_go(key))
        return ()

    def end(self) -> None:
        for session, messages in [(key[0], held) for key, held in self._held.items()]:
            self.stage.send(session, messages)
        self._held.clear()

    def _let_go(self, key: "tuple[Session, int]") -> None:
        self._told.add(key[1])
        self.stage.send(key[0], self._held.pop(key, ()))


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class SilentFillParameters(Parameters):
    """Parameters of silent-fill."""


class SilentFill(Behaviour[SilentFillParameters]):
    """An order deals, and no openOrder and no orderStatus ever tells of it: the execution is all there is."""

    name = "silent-fill"
    parameters_type = SilentFillParameters

    def outgoing(self, session: "Session", message: Message) -> Sequence[Message]:
        if message.kind not in _ABOUT_ORDERS or not message.perm_id:
            return (message,)
        is_struck = self.covers_message(session, message) and self.chance.strikes_at(message.perm_id)
        return () if is_struck else (message,)


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class CommissionParameters(Parameters):
    """Parameters of commission."""

    shape: Annotated[
        Literal["missing", "minus-one", "unset"],
        Describe(description="no report at all, or one that says -1, or 1.7976931348623157E308"),
    ] = "missing"
    arrives_after_s: Annotated[
        Seconds | None, Describe(description="when the true report comes; never of itself when not given")
    ] = None
    is_told_when_asked: Annotated[
        bool, Describe(description="whether the answer to reqExecutions tells the true commission")
    ] = True


class Commission(Behaviour[CommissionParameters]):
    """What a deal cost is not told with it."""

    name = "commission"
    parameters_type = CommissionParameters

    def __init__(self, parameters: CommissionParameters, stage: Stage) -> None:
        super().__init__(parameters, stage)
        self._first_told: set[tuple[Session, str]] = set()

    def outgoing(self, session: "Session", message: Message) -> Sequence[Message]:
        if message.kind != COMMISSION or not self.covers_message(session, message):
            return (message,)
        execution_id = message.fields[EXECUTION_ID_OF_COMMISSION]
        if not self.chance.strikes_at(execution_id):
            return (message,)
        if self.parameters.is_told_when_asked and (session, execution_id) in self._first_told:
            return (message,)
        self._first_told.add((session, execution_id))
        if self.parameters.arrives_after_s is not None:
            later = message.copy()
            self.stage.later(self.parameters.arrives_after_s, lambda: self.stage.send(session, [later]))
        if self.parameters.shape == "missing":
            return ()
        message.fields[COMMISSION_OF_COMMISSION] = "-1" if self.parameters.shape == "minus-one" else UNSET_DOUBLE
        return (message,)


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class LatePermIdParameters(Parameters):
    """Parameters of late-perm-id."""

    messages: Annotated[int, Describe(ge=1, le=100, description="how many messages of an order come without it")] = 2


class LatePermId(Behaviour[LatePermIdParameters]):
    """The first messages of an order carry permId 0."""

    name = "late-perm-id"
    parameters_type = LatePermIdParameters

    def __init__(self, parameters: LatePermIdParameters, stage: Stage) -> None:
        super().__init__(parameters, stage)
        self._without: dict[int, int] = {}

    def outgoing(self, session: "Session", message: Message) -> Sequence[Message]:
        perm_id = message.perm_id
        if message.kind not in _ABOUT_ORDERS or not perm_id or not self.covers_message(session, message):
            return (message,)
        if not self.chance.strikes_at(perm_id):
            return (message,)
        told = self._without.get(perm_id, 0)
        if told < self.parameters.messages:
            self._without[perm_id] = told + 1
            message.set_perm_id(0)
        return (message,)


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class UnansweredParameters(Parameters):
    """Parameters of unanswered."""

    part: Annotated[
        Literal[
            "openOrderEnd", "completedOrdersEnd", "execDetailsEnd", "positionEnd", "accountDownloadEnd", "currentTime"
        ],
        Describe(description="the end that never comes"),
    ] = "openOrderEnd"


class Unanswered(Behaviour[UnansweredParameters]):
    """A part of the synchronisation never ends, or a question for the time is never answered."""

    name = "unanswered"
    parameters_type = UnansweredParameters

    def outgoing(self, session: "Session", message: Message) -> Sequence[Message]:
        is_part = message.kind == MESSAGES[self.parameters.part]
        is_struck = is_part and self.covers_message(session, message) and self.chance.strikes_now()
        return () if is_struck else (message,)


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class RollbackParameters(Parameters):
    """Parameters of order-id-rollback."""

    to: Annotated[int, Describe(ge=1, le=2_147_483_646, description="the order id that is told as the next")] = 1


class Rollback(Behaviour[RollbackParameters]):
    """nextValidId tells an order id that was used long ago."""

    name = "order-id-rollback"
    parameters_type = RollbackParameters

    def outgoing(self, session: "Session", message: Message) -> Sequence[Message]:
        if message.kind == NEXT_VALID_ID and self.covers_message(session, message) and self.chance.strikes_now():
            message.fields[2] = str(self.parameters.to)
        return (message,)


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class NoticeParameters(Parameters):
    """Parameters of order-notice."""

    code: Annotated[int, Describe(ge=1, le=99_999, description="the error code")] = 10349
    message: Annotated[str, Describe(description="its words")] = "Order TIF was set to DAY based on order preset."


class Notice(Behaviour[NoticeParameters]):
    """An error message names a living order, which goes on all the same: 10349, 399, or a code nobody wrote down."""

    name = "order-notice"
    parameters_type = NoticeParameters

    def __init__(self, parameters: NoticeParameters, stage: Stage) -> None:
        super().__init__(parameters, stage)
        self._done: set[int] = set()

    def outgoing(self, session: "Session", message: Message) -> Sequence[Message]:
        perm_id = message.perm_id
        if message.kind != ORDER_STATUS or perm_id in self._done or message.fields[FILLED_OF_STATUS] != "0":
            return (message,)
        if not self.covers_message(session, message) or not self.chance.strikes_at(perm_id):
            return (message,)
        self._done.add(perm_id)
        parameters = self.parameters
        session.send_error(int(message.fields[1]), parameters.code, parameters.message)
        return (message,)
