"""JSON by declaration: frozen dataclasses say what comes in and what goes out, and the OpenAPI document says the same.

What comes in is read by `parse`, which names every field that is wrong; what goes out is made by `to_json`; what both are is
told by `Schemas` as JSON Schema (draft 2020-12, as OpenAPI 3.1 has it).
"""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

from archiver.errors import UsageError
from archiver.plaintext import one_line
from archiver.timestamps import to_iso

T = TypeVar("T")
#: Levels of lists and objects in what is sent; items of one list; characters of a text of which nothing else is said.
_DEEPEST = 20
MOST_ITEMS = 10_000
LONGEST = 20_000
#: What a database keeps as a number.
_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a field holds beyond its type; for `Annotated`.

    Attributes:
        about: for people.
        least, most: of a number.
        longest: characters of a text, or items of a list.
        example: a value.
    """

    about: str = ""
    least: int | None = None
    most: int | None = None
    longest: int | None = None
    example: object = None


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one field; `pointer` says where it is (RFC 6901, as a fragment)."""

    pointer: str
    detail: str


class Invalid(UsageError):
    """What was sent is not as it is declared."""

    def __init__(self, problems: list[FieldProblem]) -> None:
        first = problems[0]
        super().__init__("What was sent is not as it should be.", f"{first.pointer}: {first.detail}")
        self.problems = problems


def field_problem(name: str, detail: str, *, place: str = "") -> Invalid:
    """One field is wrong, for a reason that its declaration does not know."""
    return Invalid([FieldProblem(f"{place or '#/'}{_escaped(name)}", detail)])


@dataclass(frozen=True, slots=True)
class Type:
    """A type, taken apart.

    Attributes:
        base: without None and annotations; for lists and mappings, of the whole.
        item: of lists and of the values of mappings.
        is_optional: None is a value.
        bounds: see there.
    """

    base: Any
    item: Any = None
    is_optional: bool = False
    bounds: Bounds = Bounds()


def taken_apart(kind: Any) -> Type:
    """A type as `parse`, `to_json` and the document look at it.

    Raises:
        TypeError: it cannot be told in JSON; a fault of who declared it.
    """
    bounds, is_optional = Bounds(), False
    while True:
        origin = get_origin(kind)
        if origin is Annotated:
            kind, *notes = get_args(kind)
            bounds = next((note for note in notes if isinstance(note, Bounds)), bounds)
        elif origin in (Union, types.UnionType):
            others = [item for item in get_args(kind) if item is not type(None)]
            if len(others) != 1:
                raise TypeError(f"a choice of types is not told in JSON: {kind}")
            kind, is_optional = others[0], True
        else:
            break
    if origin in (tuple, list, frozenset):
        return Type(origin, get_args(kind)[0], is_optional, bounds)
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return Type(dict, get_args(kind)[1], is_optional, bounds)
    return Type(kind, None, is_optional, bounds)


def declared(kind: Any) -> dict[str, Any]:
    """The fields of a dataclass with their types."""
    hints = get_type_hints(kind, include_extras=True)
    return {item.name: hints[item.name] for item in fields(kind)}


def required(kind: Any) -> list[str]:
    """Fields that must be given."""
    return [item.name for item in fields(kind) if item.default is MISSING and item.default_factory is MISSING]


# -- in --------------------------------------------------------------------------------------------------------------


def read_json(data: bytes) -> object:
    """JSON as it is sent: each name once, numbers that are some.

    Raises:
        UsageError: it is none.
    """

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a name is there twice")
        return found

    def refuse(name: str) -> object:
        raise ValueError(f"{name} is no number")

    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=once, parse_constant=refuse)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise UsageError("What was sent is no JSON.", f"{one_line(str(error))[:200]}.") from error


def parse(kind: type[T], value: object) -> T:
    """What was sent, as a value of a declared dataclass.

    Raises:
        Invalid: it is not as declared; all that is wrong is named.
    """
    problems: list[FieldProblem] = []
    made = _read(kind, value, "#", problems, 0)
    if problems:
        raise Invalid(problems)
    return made  # type: ignore[no-any-return]


def _read(kind: Any, value: object, place: str, problems: list[FieldProblem], depth: int) -> Any:
    """A value of a type; what is wrong goes to `problems`."""
    parts = taken_apart(kind)

    def wrong(detail: str) -> None:
        problems.append(FieldProblem(place, detail))

    if value is None and parts.is_optional:
        return None
    if depth > _DEEPEST:
        return wrong("There are too many levels.")
    if parts.item is not None:
        return _read_many(parts, value, place, problems, depth)
    if is_dataclass(parts.base):
        return _read_object(parts.base, value, place, problems, depth)
    if parts.base is object:
        return value
    try:
        return _plain(parts, value)
    except ValueError as error:
        return wrong(str(error))


def _read_many(parts: Type, value: object, place: str, problems: list[FieldProblem], depth: int) -> Any:
    """A list or a mapping."""
    wanted: type = dict if parts.base is dict else list
    if not isinstance(value, wanted):
        problems.append(FieldProblem(place, "It must be an object." if wanted is dict else "It must be a list."))
        return None
    most = parts.bounds.longest or MOST_ITEMS
    if len(value) > most:  # type: ignore[arg-type]
        problems.append(FieldProblem(place, f"There may be {most:,} items at most."))
        return None
    if isinstance(value, dict):
        return {name: _read(parts.item, item, f"{place}/{_escaped(name)}", problems, depth + 1) for name, item in value.items()}
    assert isinstance(value, list)
    found = [_read(parts.item, item, f"{place}/{number}", problems, depth + 1) for number, item in enumerate(value)]
    return parts.base(found) if parts.base is not frozenset or not problems else None


def _read_object(kind: Any, value: object, place: str, problems: list[FieldProblem], depth: int) -> Any:
    if not isinstance(value, dict):
        problems.append(FieldProblem(place, "It must be an object."))
        return None
    known = declared(kind)
    before = len(problems)
    for name in value.keys() - known.keys():
        problems.append(FieldProblem(f"{place}/{_escaped(name)}", "There is no such field."))
    for name in required(kind):
        if name not in value:
            problems.append(FieldProblem(f"{place}/{name}", "It is missing."))
    found = {
        name: _read(known[name], item, f"{place}/{_escaped(name)}", problems, depth + 1)
        for name, item in value.items()
        if name in known
    }
    return kind(**found) if len(problems) == before else None


def _plain(parts: Type, value: object) -> object:
    """A text, number, truth, choice or time.

    Raises:
        ValueError: it is none; a sentence.
    """
    base, bounds = parts.base, parts.bounds
    if base is bool:
        if not isinstance(value, bool):
            raise ValueError("It must be true or false.")
        return value
    if base in (int, float):
        return _number(base, bounds, value)
    if not isinstance(value, str):
        raise ValueError("It must be a text.")
    if not _is_sound(value):
        raise ValueError("It has characters that cannot be kept.")
    if issubclass(base, StrEnum):
        if value not in list(base):
            raise ValueError(f"It must be one of: {', '.join(base)}.")
        return base(value)
    most = bounds.longest or LONGEST
    if len(value) > most:
        raise ValueError(f"It may have {most:,} characters at most.")
    if base is datetime:
        return _moment(value)
    return value


def _number(base: type, bounds: Bounds, value: object) -> int | float:
    allowed: tuple[type, ...] = (int,) if base is int else (int, float)
    if isinstance(value, bool) or not isinstance(value, allowed):
        raise ValueError("It must be a whole number." if base is int else "It must be a number.")
    assert isinstance(value, int | float)
    least = bounds.least if bounds.least is not None else -_LARGEST
    most = bounds.most if bounds.most is not None else _LARGEST
    if not least <= value <= most:
        raise ValueError(f"It must be from {least:,} to {most:,}.")
    return float(value) if base is float else value


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("It must be a time such as 2026-11-30T12:00:00Z.") from None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _is_sound(text: str) -> bool:
    """The text can be kept: it has no NUL and no half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def parse_query(kind: type[T], given: Mapping[str, list[str]]) -> T:
    """Parameters of an address as a value of a declared dataclass.

    Raises:
        Invalid: a parameter is unknown, or is not as declared.
    """
    known, problems, found = declared(kind), [], {}
    for name, values in given.items():
        if name not in known:
            problems.append(FieldProblem(f"?{name}", "There is no such parameter."))
            continue
        parts = taken_apart(known[name])
        try:
            if parts.item is not None:
                if len(values) > (parts.bounds.longest or MOST_ITEMS):
                    raise ValueError("It is there too often.")
                found[name] = parts.base(_of_text(taken_apart(parts.item), value) for value in values)
            elif len(values) > 1:
                raise ValueError("It may be there once.")
            else:
                found[name] = _of_text(parts, values[0])
        except ValueError as error:
            problems.append(FieldProblem(f"?{name}", str(error)))
    problems += [FieldProblem(f"?{name}", "It is missing.") for name in required(kind) if name not in given]
    if problems:
        raise Invalid(problems)
    return kind(**found)


def _of_text(parts: Type, text: str) -> object:
    if parts.base is bool:
        if text not in ("true", "false"):
            raise ValueError("It must be true or false.")
        return text == "true"
    if parts.base is int:
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) < 20):
            raise ValueError("It must be a whole number.")
        return _plain(parts, int(text))
    return _plain(parts, text)


# -- out -------------------------------------------------------------------------------------------------------------


def to_json(value: object) -> Any:
    """A declared value as JSON has it."""
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: to_json(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime):
        return to_iso(value, 0)
    if isinstance(value, Mapping):
        return {str(name): to_json(item) for name, item in value.items()}
    if isinstance(value, frozenset):
        return sorted(to_json(item) for item in value)
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    return value


# -- what both are ---------------------------------------------------------------------------------------------------

_PLAIN: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    datetime: {"type": "string", "format": "date-time"},
    object: {},
}


class Schemas:
    """The schemas of declared types, each dataclass once under its name."""

    def __init__(self) -> None:
        self.components: dict[str, dict[str, Any]] = {}
        self._kinds: dict[str, Any] = {}

    def of(self, kind: Any, *, is_input: bool) -> dict[str, Any]:
        """The schema of a type.

        Raises:
            TypeError: two dataclasses have one name, or a type cannot be told in JSON.
        """
        parts = taken_apart(kind)
        schema = self._of(parts, is_input)
        bounds = parts.bounds
        said: dict[str, Any] = {}
        if bounds.about:
            said["description"] = bounds.about
        if bounds.example is not None:
            said["examples"] = [bounds.example]
        names = ("minItems", "maxItems") if parts.item is not None else ("minLength", "maxLength")
        if bounds.longest is not None and is_input:
            said[names[1]] = bounds.longest
        said |= {name: value for name, value in (("minimum", bounds.least), ("maximum", bounds.most)) if value is not None}
        if parts.is_optional:
            schema = {"anyOf": [schema | {key: said.pop(key) for key in list(said) if key != "description"}, {"type": "null"}]}
        return schema | said

    def _of(self, parts: Type, is_input: bool) -> dict[str, Any]:
        if parts.base is dict:
            return {"type": "object", "additionalProperties": self.of(parts.item, is_input=is_input)}
        if parts.item is not None:
            return {"type": "array", "items": self.of(parts.item, is_input=is_input)}
        if is_dataclass(parts.base):
            return {"$ref": f"#/components/schemas/{self._component(parts.base, is_input)}"}
        if isinstance(parts.base, type) and issubclass(parts.base, StrEnum):
            return {"type": "string", "enum": [item.value for item in parts.base]}
        if parts.base not in _PLAIN:
            raise TypeError(f"{parts.base} is not told in JSON")
        return dict(_PLAIN[parts.base])

    def _component(self, kind: Any, is_input: bool) -> str:
        name: str = kind.__name__ + ("" if not is_input or kind.__name__.endswith("Body") else "Body")
        if name in self._kinds:
            if self._kinds[name] is not kind:
                raise TypeError(f"{name} is the name of {kind} and of {self._kinds[name]}")
            return name
        self._kinds[name] = kind
        self.components[name] = {}  # first, for what refers to itself
        properties = {item: self.of(type_, is_input=is_input) for item, type_ in declared(kind).items()}
        self.components[name] = {
            "type": "object",
            "description": summary_of(kind.__doc__),
            "properties": properties,
            "required": required(kind) if is_input else list(properties),
            "additionalProperties": False,
        }
        return name


def summary_of(doc: str | None) -> str:
    """The first paragraph of a docstring."""
    return " ".join((doc or "").strip().partition("\n\n")[0].split())


def _escaped(name: str) -> str:
    """A name in a pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")
