"""One operation of the REST API: what it takes, what it answers, and how it can fail. Documented by what it is."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.fields import FieldInfo

from control_plane.errors import ControlPlaneError, NotAllowed

Place = Literal["path", "query", "header"]


@dataclass(frozen=True)
class In:
    """Where a field of a `Parameters` model comes from. `needed`: its field has a default only so that an error of its
    own can be said when it is missing."""

    place: Place
    needed: bool = False


class Parameters(BaseModel):
    """What is in the path, the query and the headers: each field is `Annotated[…, In("query")]`."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    @classmethod
    def places(cls) -> Iterator[tuple[str, In, FieldInfo]]:
        """Name on the wire, place and field of each."""
        for name, field in cls.model_fields.items():
            yield field.alias or name, next(each for each in field.metadata if isinstance(each, In)), field


def _without_point(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_without_point)
"""Comes last at an `int`: 60.0 is an integer, as JSON Schema means it."""


class Body(BaseModel):
    """A request's JSON. Unknown fields are refused: a misspelt grant must not be dropped in silence."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class Nothing(Body):
    """No body."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: an API key, and the rooms that are its own."""

    key: str
    room_prefix: str

    def expect_room(self, room: str) -> None:
        """Raises `NotAllowed`."""
        if not room.startswith(self.room_prefix):
            raise NotAllowed(f"This key is for rooms whose names begin with {self.room_prefix!r}.")


P = TypeVar("P", bound=Parameters)
B = TypeVar("B", bound=Body)


@dataclass(frozen=True, slots=True)
class Operation(Generic[P, B]):
    """`handle(caller, parameters, body)` returns the answer, or None when `answer` is None.

    `errors` are those that `handle` raises, beyond what every operation may. `location` is where something new is, with
    the names of the answer's fields in braces.
    """

    name: str
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    summary: str
    description: str
    tag: str
    parameters: type[P]
    body: type[B]
    answer: type[Answer] | None
    status: int
    errors: tuple[type[ControlPlaneError], ...]
    handle: Callable[[Caller, P, B], Awaitable[Answer | None]]
    location: str | None = None

    @property
    def takes_body(self) -> bool:
        return self.body is not Nothing
