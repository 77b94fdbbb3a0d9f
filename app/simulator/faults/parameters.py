"""What every fault may be told: whom it strikes, how often, by which chance and for how long."""

from collections.abc import Iterable
from dataclasses import MISSING, Field, fields
from decimal import Decimal
from random import Random
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic import Field as Describe
from pydantic.dataclasses import dataclass

from app.core.errors import InputError, NotFoundError, Problem

STRICT = ConfigDict(extra="forbid", str_max_length=200)

Seconds = Annotated[float, Describe(ge=0, le=86_400, allow_inf_nan=False)]
Milliseconds = Annotated[int, Describe(ge=0, le=600_000)]


class FaultInputError(InputError):
    """A fault, a scenario or a parameter of one that cannot be taken; each problem names its path."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        first = problems[0]
        super().__init__("; ".join(problem.message for problem in problems), path=first.path)
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a message is about; empty where it does not say."""

    client_id: int | None = None
    account: str = ""
    symbol: str = ""
    order_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class Parameters:
    """Parameters of every fault. Filters that are left empty let everything through."""

    account: Annotated[str, Describe(description="only orders of this account")] = ""
    clients: Annotated[
        tuple[int, ...], Describe(max_length=100, description="only connections of these client ids")
    ] = ()
    symbol: Annotated[str, Describe(description="only orders of this symbol")] = ""
    order_types: Annotated[
        tuple[str, ...], Describe(max_length=20, description="only orders of these types, such as MKT or LMT")
    ] = ()
    every: Annotated[int, Describe(ge=1, description="strike each n-th time that it fits")] = 1
    times: Annotated[int | None, Describe(ge=1, description="strike so often at most")] = None
    probability: Annotated[float, Describe(ge=0, le=1, description="strike by this chance each time")] = 1.0
    seed: Annotated[int, Describe(ge=0, description="the same seed, the same chances")] = 1

    def covers(self, subject: Subject) -> bool:
        """True when none of the filters speaks against it; what is about no order belongs to every account."""
        return (
            (not self.clients or subject.client_id in self.clients)
            and (not subject.account or self.account in {"", subject.account})
            and self.symbol in {"", subject.symbol}
            and (not self.order_types or subject.order_type in self.order_types)
        )


class Chance:
    """Decides when a fault strikes, by its parameters: counted and drawn from its seed, so the same run repeats."""

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        self._random = Random(parameters.seed)
        self._fits = 0
        self.strikes = 0
        self._decided: dict[object, bool] = {}

    def strikes_now(self) -> bool:
        """True when it strikes this time; every call counts as one that fits."""
        parameters = self._parameters
        self._fits += 1
        if parameters.times is not None and self.strikes >= parameters.times:
            return False
        if self._fits % parameters.every or self._random.random() >= parameters.probability:
            return False
        self.strikes += 1
        return True

    def strikes_at(self, key: object) -> bool:
        """As strikes_now, decided once for each key: an order is struck or it is not."""
        if key not in self._decided:
            self._decided[key] = self.strikes_now()
        return self._decided[key]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterDescription:
    """One parameter of a fault as people and programs are told of it."""

    name: str
    type: str
    default: Any
    meaning: str


class ParameterReader:
    """Reads and describes the parameters of one fault."""

    _plain: ClassVar[dict[str, str]] = {"number": "number", "integer": "number", "boolean": "true or false"}

    def __init__(self, kind: type[Parameters]) -> None:
        self._kind = kind
        self._adapter: TypeAdapter[Any] = TypeAdapter(kind)

    def read(self, given: dict[str, Any], path: tuple[str, ...] = ("parameters",)) -> Any:
        """The parameters. Raises FaultInputError naming each one that does not hold."""
        try:
            return self._adapter.validate_python(given)
        except ValidationError as error:
            raise FaultInputError(problems_of(error, path)) from None

    def described(self) -> tuple[ParameterDescription, ...]:
        """The parameters, those of its own first."""
        properties = self._adapter.json_schema()["properties"]
        common = {one.name for one in fields(Parameters)}
        ordered = sorted(fields(self._kind), key=lambda one: one.name in common)
        return tuple(self._described(one, properties[one.name]) for one in ordered)

    def _described(self, one: Field[Any], schema: dict[str, Any]) -> ParameterDescription:
        default = None if one.default is MISSING else one.default
        if isinstance(default, tuple | frozenset):
            default = list(default)
        elif isinstance(default, Decimal):
            default = str(default)
        return ParameterDescription(
            name=one.name,
            type=self._type(schema),
            default=default,
            meaning=schema.get("description", ""),
        )

    def _type(self, schema: dict[str, Any]) -> str:
        if "anyOf" in schema:
            kinds = [self._type(part) for part in schema["anyOf"] if part.get("type") != "null"]
            return "number" if "number" in kinds else kinds[0]
        if "enum" in schema:
            return " or ".join(map(str, schema["enum"]))
        if schema.get("type") == "array":
            return f"list of {self._type(schema['items'])}"
        return self._plain.get(schema.get("type", ""), "text")


def problems_of(error: ValidationError, path: tuple[str, ...]) -> tuple[Problem, ...]:
    """What is wrong with an input, each with the path of the field."""
    return tuple(
        Problem(
            code=InputError.code,
            message=f"{'.'.join(map(str, one['loc'])) or 'value'}: {one['msg']}",
            path=(*path, *map(str, one["loc"])),
        )
        for one in error.errors(include_url=False, include_input=False, include_context=False)
    )


def unknown(what: str, name: str, known: Iterable[str]) -> NotFoundError:
    """The error for a name that nothing has, saying which there are."""
    return NotFoundError(f"there is no {what} {name}: {', '.join(known)}", path=("name",))
