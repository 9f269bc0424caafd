"""Instances of all kinds of classes, through JSON text and back, and what stands in where a class is gone."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections import UserDict, defaultdict, deque
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag, IntFlag
from fractions import Fraction
from ipaddress import ip_address, ip_network
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple

import pytest
from pydantic import (
    AnyUrl,
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    JsonValue,
    PostgresDsn,
    SecretBytes,
    SecretStr,
    computed_field,
    field_validator,
)
from pydantic.dataclasses import dataclass as pydantic_dataclass

from otelstream.redact import Redactor
from recorder.standins import RecordedObject, RecordedValue
from recorder.values import decode_value, encode_value

HERE = __name__


def through_json(value: object) -> Any:  # noqa: ANN401 - a value of any kind
    """Return the value after a trip through JSON text."""
    return decode_value(json.loads(json.dumps(encode_value(value))))


class Aliased(BaseModel):
    x: int = Field(alias="theX")
    y: str = Field(default="q", serialization_alias="Y")


class Picky(BaseModel):
    """Takes texts only, so that its own dump would be refused."""

    x: int

    @field_validator("x", mode="before")
    @classmethod
    def only_text(cls, value: object) -> int:
        if not isinstance(value, str):
            raise ValueError(f"{value!r} is no text")  # noqa: TRY004 - pydantic catches this one
        return int(value)


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)
    site: HttpUrl
    payload: Any = None

    @computed_field  # type: ignore[prop-decorator]  # as pydantic has it
    @property
    def host(self) -> str | None:
        return self.site.host


@dataclasses.dataclass(kw_only=True, frozen=True, slots=True)
class Keyword:
    x: int
    tags: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Derived:
    x: int
    y: int = dataclasses.field(init=False)
    unset: int = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        self.y = self.x + 1
        self.cache = {"twice": 2 * self.x}


@pydantic_dataclass
class Checked:
    when: datetime


class Access(Flag):
    READ = 1
    WRITE = 2
    RUN = 4


class Bits(IntFlag):
    LOW = 1
    HIGH = 8


class Colour(str, Enum):
    RED = "red"


class Pair(NamedTuple):
    left: object
    right: object


class Tagged(str):
    """A text that knows more than its letters."""

    def __init__(self, _: str) -> None:
        self.source = "web"


class Slotted:
    __slots__ = ("_name", "unset")

    def __init__(self, name: object) -> None:
        self._name = name

    def __setattr__(self, name: str, value: object) -> None:
        if name != "_name" or hasattr(self, "_name"):
            raise AttributeError("read-only")
        object.__setattr__(self, name, value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Slotted) and self._name == other._name

    def __hash__(self) -> int:
        return hash(self._name)


class Report:
    """An object as people wrote them before there were dataclasses."""

    def __init__(self, **fields: object) -> None:
        vars(self).update(fields)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Report) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]  # it can be changed


ROUND_TRIPS: dict[str, object] = {
    "aliases": Aliased(theX=1),
    "a model that would refuse its own dump": Picky(x="3"),  # type: ignore[arg-type]  # as it wants it
    "a frozen model": Frozen(site="https://a.example/b?c=1", payload=Report(parts=(1, b"x"))),  # type: ignore[arg-type]
    "a frozen dataclass with slots and keywords": Keyword(x=1, tags=["a"]),
    "a pydantic dataclass": Checked(datetime(2026, 11, 20, tzinfo=timezone.utc)),
    "several flags": [Access.READ | Access.RUN, Access(0), Access.WRITE],
    "several integer flags": [Bits.LOW | Bits.HIGH, Bits(64)],
    "slots": Slotted(("a", 1)),
    "attributes": Report(title="x", parts=[Report(title="y"), {"k": Decimal(1)}]),
    "ranges": [range(1, 10, 2), range(10**30), slice(None, 3)],
    "a namespace": SimpleNamespace(a=1, b=[SimpleNamespace()]),
    "collections": [deque([1, (2,)], maxlen=3), UserDict({"a": 1}), defaultdict(list, {"a": [1]})],
    "bytes that can change": bytearray(b"\xff\x00"),
    "a view of a dict": MappingProxyType({"a": (1,)}),
    "an ellipsis": [...],
    "a fraction": Fraction(-1, 3),
    "addresses": [ip_address("10.0.0.1"), ip_address("::1"), ip_network("10.0.0.0/8")],
    "zones": [timezone.utc, timezone(timedelta(hours=2), "here")],
    "urls": [AnyUrl("ftp://a.example/b"), PostgresDsn("postgres://db.example/main")],
}


@pytest.mark.parametrize("value", ROUND_TRIPS.values(), ids=ROUND_TRIPS.keys())
def test_an_instance_comes_back_equal_and_of_its_class(value: object) -> None:
    """What goes through JSON text comes back equal, and of the same class."""
    assert (through_json(value), type(through_json(value))) == (value, type(value))


def test_the_factory_of_a_default_comes_back() -> None:
    """A dict that makes its own values goes on making them."""
    restored = through_json(defaultdict(list))
    restored["new"].append(1)

    assert restored == {"new": [1]}


def test_what_a_dataclass_holds_beside_its_fields_comes_back() -> None:
    """Also what only `__post_init__` sets, and a field that was never set is unset again."""
    restored = through_json(Derived(2))

    assert vars(restored) == {"x": 2, "y": 3, "cache": {"twice": 4}}


def test_what_an_instance_of_a_builtins_subclass_holds_comes_back() -> None:
    """The attributes of a text are as they were."""
    restored = through_json(Tagged("x"))

    assert (type(restored), restored, restored.source) == (Tagged, "x", "web")


@pytest.mark.parametrize("secret", [SecretStr("swordfish"), SecretBytes(b"swordfish")])
def test_of_a_secret_only_its_mask_is_recorded(secret: SecretStr | SecretBytes) -> None:
    """A secret comes back as one that looks the same; its value is in no recording."""
    restored = through_json(secret)

    assert (type(restored), repr(restored), "swordfish" in json.dumps(encode_value(secret))) == (
        type(secret),
        repr(secret),
        False,
    )


@pytest.mark.parametrize(
    "holds",
    [threading.Lock(), lambda: 1, [object.__new__(threading.Thread)], {"a": (each for each in "b")}],
    ids=["lock", "function", "thread", "generator"],
)
def test_an_object_that_cannot_be_kept_whole_is_described(holds: object) -> None:
    """Half an object would break where its methods are called; and it may be a service, not a result."""
    value = Report(password="x", holds=holds)

    assert encode_value(value) == {"$type": "object", "class": f"{HERE}:Report", "repr": repr(value)}


def test_an_object_with_a_whole_program_behind_it_is_described() -> None:
    """An object may be no more than a small part of what a value may be."""
    encoded: Any = encode_value([Report(rows=[[number] for number in range(20_000)]), 1])

    assert [each if each == 1 else each["$type"] for each in encoded] == ["object", 1]


def test_an_object_of_an_absent_class_shows_its_fields() -> None:
    """Where nobody has loaded its class its fields can be read all the same."""
    encoded: JsonValue = {"$type": "instance", "class": "absent:Report", "fields": {"title": "x"}}

    assert (decode_value(encoded), decode_value(encoded).title) == (
        RecordedObject("absent:Report", {"title": "x"}),
        "x",
    )


def keyed() -> Tagged:
    """A text that knows a key."""
    text = Tagged("x")
    text.api_key = "no known shape"  # type: ignore[attr-defined]  # what somebody may do
    return text


@pytest.mark.parametrize(
    "value",
    [
        Report(api_key="no known shape"),
        SimpleNamespace(api_key="no known shape"),
        UserDict({"api_key": "no known shape"}),
        keyed(),
    ],
    ids=["attributes", "namespace", "collection", "subclass"],
)
def test_a_secret_stands_under_its_name(value: object) -> None:
    """Whatever kind of instance holds it, redaction finds it by its name."""
    assert "no known shape" not in json.dumps(Redactor().redact(encode_value(value)))


def elsewhere(value: object) -> Any:  # noqa: ANN401 - a value of any kind
    """Return what a program makes of a value whose class it has not loaded."""
    return decode_value(json.loads(json.dumps(encode_value(value)).replace(HERE, "absent")))


@pytest.mark.parametrize(
    ("value", "base", "text"),
    [
        (Colour.RED, str, "<recorded absent:Colour 'red'>"),
        (Bits.LOW, int, "<recorded absent:Bits 1>"),
        (Pair(1, "b"), tuple, "<recorded absent:Pair (1, 'b')>"),
        (Tagged("x"), str, "<recorded absent:Tagged 'x'>"),
    ],
)
def test_an_absent_class_of_a_builtin_gives_that_builtin(value: object, base: type, text: str) -> None:
    """The stand-in equals the value, is an instance of the builtin, and says what it stands for."""
    restored = elsewhere(value)

    assert (restored == value, isinstance(restored, base), repr(restored)) == (True, True, text)


def test_a_stand_in_of_a_builtin_reads_as_its_value() -> None:
    """As text and in JSON it is what the builtin is."""
    restored = elsewhere([Colour.RED, Bits.LOW])

    assert ([f"{each}" for each in restored], json.dumps(restored)) == (["red", "1"], '["red", 1]')


def test_a_stand_in_of_a_builtin_has_its_fields() -> None:
    """A named tuple has its names, a member of an enumeration its name and value, a text its attributes."""
    pair, colour, text = elsewhere([Pair(1, "b"), Colour.RED, Tagged("x")])

    assert (pair.right, colour.name, colour.value, text.source) == ("b", "RED", "red", "web")


def test_a_stand_in_of_a_builtin_says_what_it_lacks() -> None:
    """An attribute that was not recorded is an error that names class and attribute."""
    with pytest.raises(AttributeError, match=r"'upper_left' is not recorded of this absent:Colour"):
        _ = elsewhere(Colour.RED).upper_left


@pytest.mark.parametrize("value", [Colour.RED, Pair(1, "b"), Tagged("x")])
def test_a_stand_in_of_a_builtin_is_recorded_as_it_was_read(value: object) -> None:
    """Recording a replay changes nothing."""
    restored: RecordedValue = elsewhere(value)

    assert encode_value(restored) == restored.recorded_json


def test_a_masked_part_of_a_made_value_is_shown() -> None:
    """Where redaction masked a part that the value cannot be made without, its parts are there to be read."""
    encoded: JsonValue = {"$type": "made", "class": "builtins:range", "of": ["[redacted]", 1, 1]}

    assert decode_value(encoded).of == ["[redacted]", 1, 1]


@pytest.mark.parametrize(
    ("path", "of"), [("builtins:bytearray", [10**12]), ("fractions:Fraction", ["1e999999999"])]
)
def test_a_file_cannot_take_the_memory(path: str, of: list[JsonValue]) -> None:
    """A number that would stand for something endless is not taken."""
    assert isinstance(decode_value({"$type": "made", "class": path, "of": of}), RecordedObject)
