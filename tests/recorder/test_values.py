"""Every kind of value, through JSON text and back, and what a file from a stranger cannot do."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from http import HTTPStatus
from pathlib import Path
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar
from uuid import UUID, SafeUUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, JsonValue, PrivateAttr, RootModel, model_validator

from otelstream.errors import RecordingError
from recorder import values
from recorder.values import decode_value, encode_value

T = TypeVar("T")
HERE = __name__


def through_json(value: object) -> Any:  # noqa: ANN401 - a value of any kind
    """Return the value after a trip through JSON text."""
    return decode_value(json.loads(json.dumps(encode_value(value))))


class Colour(str, Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: object
    tags: list[str] = dataclasses.field(default_factory=list)
    loaded: bool = dataclasses.field(init=False, default=False)


@dataclasses.dataclass(frozen=True)
class FrozenSlots:
    __slots__ = ("x",)
    x: object


class Pair(NamedTuple):
    left: object
    right: object = None


class Name(str): ...


class Count(int): ...


class Rows(list[object]):
    def __iter__(self) -> Any:  # noqa: ANN401 - never gets that far
        raise AssertionError("code of the recorded class ran")


class Report(BaseModel):
    title: str
    body: BaseModel | None = None
    parts: list[Report] = []


class Strict(BaseModel):
    ran: ClassVar[list[str]] = []
    _lock: Any = PrivateAttr(default_factory=threading.Lock)
    _made: Any = PrivateAttr(default_factory=lambda: [threading.Lock()][0])

    @model_validator(mode="after")
    def note(self) -> Strict:
        self.ran.append("validator")
        return self

    def __init__(self, **data: object) -> None:
        super().__init__(**data)
        self.ran.append("__init__")

    def model_post_init(self, context: object, /) -> None:
        self.ran.append("model_post_init")


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    a: int = 1
    _seen: int = PrivateAttr(default=0)


class Numbers(RootModel[list[int]]): ...


class Box(BaseModel, Generic[T]):
    item: T


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


class Hostile:
    def __getattribute__(self, name: str) -> object:
        raise RuntimeError(name)

    __hash__ = None  # type: ignore[assignment]  # as unhelpful as can be


opened = Open.model_validate({"a": 2, "more": {"k": (1,)}})
opened._seen = 5

ROUND_TRIPS: dict[str, object] = {
    "plain": [None, True, 2**64, -0.5, float("inf"), "a\n\u2028 é", {"b": 1, "a": {"c": [[]]}}],
    "lone surrogate": "\ud800",
    "huge integer": -(7**9_000),
    "dict with our tag": {"$type": "tuple", "items": {"$type": {"$type": 1}}},
    "tuple": (1, (2,), []),
    "sets": [{1, 2, (3, 4)}, frozenset({"a", frozenset({"b"})})],
    "bytes": bytes(range(256)),
    "datetime": datetime(2026, 11, 20, 1, 2, 3, 4),
    "date and time": [date(2026, 11, 20), time(1, 2, 3, 4, tzinfo=timezone.utc), timedelta(-3, 0, 7)],
    "decimal and uuid": [Decimal("1.10"), UUID(int=5)],
    "path": Path("/a/b.txt"),
    "enum": SafeUUID.unsafe,
    "str enum": Colour.RED,
    "int enum": HTTPStatus.OK,
    "mixed keys": {1: "a", "api_key": "b", (1, 2): "c", None: "d", Colour.RED: "e"},
    "dataclass": {"p": [Point(Point((1, 2)), ["a"])]},
    "frozen dataclass with slots": {FrozenSlots(3)},
    "named tuple": Pair(1, Pair(b"x")),
    "str subclass": Name("n"),
    "int subclass": Count(3),
    "dict subclass": Counter("aab"),
    "ordered dict": OrderedDict(b=1, a=2),
    "model": Report(title="x", parts=[Report(title="y")]),
    "model in a field of a base type": Report(title="x", body=Report(title="z")),
    "model with extra and private": opened,
    "root model": Numbers([1, 2]),
    "generic model": Box[int](item=1),
}


@pytest.mark.parametrize("value", ROUND_TRIPS.values(), ids=ROUND_TRIPS.keys())
def test_a_value_comes_back_equal_and_of_its_type(value: object) -> None:
    """What goes through JSON text comes back equal, and of the same type."""
    assert (through_json(value), type(through_json(value))) == (value, type(value))


PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()


def inside(items: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """Return containers of such items."""
    pairs = st.tuples(items, items)
    return (
        st.lists(items) | pairs | st.dictionaries(st.text() | st.integers(), items) | st.builds(Point, items)
    )


def nested(levels: int) -> Any:  # noqa: ANN401 - mypy has no type for bottomless lists
    """Return 0 inside so many lists."""
    value: Any = 0
    for _ in range(levels):
        value = [value]
    return value


@given(st.recursive(PLAIN, inside))
def test_nested_plain_data_comes_back_equal(value: object) -> None:
    """Any nesting of plain data comes back equal."""
    assert through_json(value) == value


ODD: list[Callable[[], object]] = [
    lambda: (Unprintable(),),
    lambda: [Hostile()],
    threading.Lock,
    lambda: nested(5_000),
    lambda: (each for each in "ab"),
    lambda: {Hostile: {frozenset({object()})}},
    lambda: [Report.model_construct(title=Hostile())],
    lambda: [object.__new__(Report)],
    lambda: "\ud800" * 2,
]


@given(st.recursive(PLAIN | st.sampled_from(ODD).map(lambda make: make()), inside))
def test_encoding_never_raises(value: object) -> None:
    """Any nesting of plain data, bottomless nests and objects that cannot even be printed is recorded."""
    through_json(value)


def test_a_list_in_itself_is_cut() -> None:
    """A cycle ends where it closes, with a description."""
    value: list[object] = [1]
    value.append(value)

    cycle = {"$type": "object", "class": "builtins:list", "repr": "<builtins:list contains itself>"}
    assert encode_value(value) == [1, cycle]


def test_a_value_that_shares_its_parts_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small value that would unfold into an endless tree is cut after so many nodes."""
    monkeypatch.setattr(values, "MAX_NODES", 100)
    value: object = 0
    for _ in range(60):
        value = [value, value]

    assert len(json.dumps(encode_value(value))) < 20_000


SHOWN = [float("nan"), -0.0, complex(-0.0, float("inf")), {2: 0, "b": 0, 1: 0, "a": 0}]
SHOWN += [datetime(2026, 11, 20, 1, 2, tzinfo=timezone(timedelta(hours=5, minutes=30)))]


@pytest.mark.parametrize("value", SHOWN)
def test_what_equality_does_not_see_comes_back(value: object) -> None:
    """NaN, signs of zero, the order of keys and the offset of a time come back as they were."""
    assert repr(through_json(value)) == repr(value)


def test_a_set_is_encoded_the_same_in_every_process() -> None:
    """The items of a set are sorted, since their own order changes from process to process."""
    assert encode_value({"b", "a", "c"}) == {"$type": "set", "items": ["a", "b", "c"]}


def test_fields_set_comes_back() -> None:
    """A model knows again which fields were given and which were defaults."""
    assert through_json(Report(title="x")).model_fields_set == {"title"}


def test_no_code_of_a_model_runs() -> None:
    """Neither __init__ nor validators nor model_post_init run when a model is restored."""
    encoded = encode_value(Strict())
    Strict.ran.clear()
    decode_value(encoded)

    assert Strict.ran == []


def test_a_private_lock_is_made_anew() -> None:
    """A private attribute that cannot be recorded gets its default, unless that is made by foreign code."""
    assert [*through_json(Strict()).__pydantic_private__] == ["_lock"]


def test_a_field_the_class_has_got_since_takes_its_default() -> None:
    """A model recorded before a field with a default was added comes back with the default."""
    old: dict[str, JsonValue] = {"$type": "model", "class": f"{HERE}:Report", "fields": {"title": "x"}}

    assert decode_value({**old, "fields_set": ["title"], "extra": None, "private": {}}) == Report(title="x")


def test_a_subclass_comes_back_without_its_code() -> None:
    """A list subclass is taken apart and put together with the builtin's methods alone."""
    restored = through_json(Rows([1]))

    assert (type(restored), restored[0]) == (Rows, 1)


def test_names_stay_keys() -> None:
    """Whatever has a string for a name stands under that name, where redaction finds it."""
    encoded = encode_value([Point(1), Pair(2), {1: 0, Colour.RED: 3}])

    assert encoded == [
        {"$type": "dataclass", "class": f"{HERE}:Point", "fields": {"x": 1, "tags": [], "loaded": False}},
        {"$type": "namedtuple", "class": f"{HERE}:Pair", "fields": {"left": 2, "right": None}},
        {
            "$type": "mapping",
            "entries": [
                [1, {"value": 0}],
                [
                    {
                        "$type": "enum",
                        "class": f"{HERE}:Colour",
                        "base": "str",
                        "name": "RED",
                        "value": "red",
                    },
                    {"red": 3},
                ],
            ],
        },
    ]


MASK = "[redacted]"


@pytest.mark.parametrize(
    ("encoded", "expected"),
    [
        ({"$type": "tuple", "items": MASK}, MASK),
        ({"$type": "decimal", "value": MASK}, MASK),
        ({"$type": "bytes", "value": MASK}, MASK),
        ({"$type": "dict", "fields": MASK}, MASK),
        ({"$type": "mapping", "entries": [[1, {"value": MASK}], ["key", MASK]]}, {1: MASK, "key": MASK}),
        ({"$type": "subclass", "class": f"{HERE}:Rows", "value": MASK}, MASK),
        ({"$type": "namedtuple", "class": f"{HERE}:Pair", "fields": {"left": MASK, "right": 1}}, (MASK, 1)),
        ({"$type": "dataclass", "class": f"{HERE}:FrozenSlots", "fields": {"x": MASK}}, FrozenSlots(MASK)),
    ],
)
def test_a_masked_part_comes_back_as_the_mask(encoded: JsonValue, expected: object) -> None:
    """Where redaction put a string in place of a value, that string is the value."""
    assert decode_value(encoded) == expected


@pytest.mark.parametrize(
    ("encoded", "message"),
    [
        ({"$type": 3}, r"has the \$type 3, which is not a name"),
        ({"$type": "tuple"}, "A recorded tuple cannot be read"),
        ({"$type": "set", "items": [[1]]}, "A recorded set cannot be read"),
        ({"$type": "datetime", "value": 5}, "A recorded datetime cannot be read"),
        ([{"$type": "tuple", "items": [{"$type": "set", "items": 1}]}], "A recorded set cannot be read"),
        ([b"x"], "holds a bytes, which JSON does not have"),
        (nested(20_000), "nested too deeply"),
    ],
)
def test_a_damaged_file_is_one_sentence(encoded: JsonValue, message: str) -> None:
    """JSON that the encoder cannot have made is a RecordingError that says what and where."""
    with pytest.raises(RecordingError, match=message):
        decode_value(encoded)
