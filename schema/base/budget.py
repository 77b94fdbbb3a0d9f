"""What an answer may hold: counted while it grows, since lists within lists multiply what no document shows."""

from typing import Any, Final

from graphql.execution import Executor

from app.core.errors import OmsError

VALUES_MAX: Final = 80_000
# An object costs about as much as five values: what belongs to it is loaded, completed and awaited.
OBJECT_VALUES: Final = 5


class AnswerTooLargeError(OmsError):
    """The answer would hold more than one may: pages are smaller, or less is asked of each item."""

    code = "ANSWER_TOO_LARGE"

    def __init__(self) -> None:
        super().__init__(
            "The answer would be too large: ask for smaller pages, or for less of each item.", limit=VALUES_MAX
        )


class BudgetedExecutor(Executor[Any]):
    """Executes an operation, or one event of a subscription, until the answer is too large."""

    values: int = 0

    def execute_fields(self, *args: Any) -> Any:
        """Completes the fields of an object, the fourth argument. Raises AnswerTooLargeError."""
        self.values += OBJECT_VALUES + len(args[3])
        if self.values > VALUES_MAX:
            raise AnswerTooLargeError
        return super().execute_fields(*args)

    def build_per_event_executor(self, payload: Any) -> Any:
        """The executor of an event, with a budget of its own."""
        executor: Any = super().build_per_event_executor(payload)
        executor.values = 0
        return executor
