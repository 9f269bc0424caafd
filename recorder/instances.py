"""Instances of classes as tagged JSON, and their parts as instances again, with none of their own code."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from enum import Enum, Flag
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

from pydantic import BaseModel, JsonValue, RootModel

from recorder.classes import class_path, field_value, is_plain, set_state, state_of
from recorder.exceptions import encode_error
from recorder.standins import JsonObject, RecordedObject, RecordedValue, as_subclass
from recorder.texts import TAG

if TYPE_CHECKING:
    from recorder.values import Encoder

T = TypeVar("T")
Encode: TypeAlias = "Callable[[Encoder, Any], JsonValue]"


def part_of(encoded: Mapping[str, object], name: str, kind: type[T]) -> T:
    """Return a part of a recorded value.

    Raises:
        TypeError: It is not of that kind.
    """
    part = encoded.get(name)
    if not isinstance(part, kind):
        raise TypeError(f"its {name} is a {type(part).__name__}, not a {kind.__name__}")
    return part


def _encode_enum(encoder: Encoder, value: Enum) -> JsonValue:
    base = next((base.__name__ for base in type(value).__mro__ if base in _BASES), None)
    parts = {"base": base, "name": value._name_, "value": encoder.encode(value._value_)}
    return {TAG: "enum", "class": class_path(type(value)), **parts}


def _build_enum(cls: type[Enum], parts: dict[str, Any]) -> Enum:
    known = cls.__members__.get(parts["name"])
    if known is None and issubclass(cls, Flag) and type(parts["value"]) is int:
        known = cls._value2member_map_.get(parts["value"])
        # Several flags at once, as the base class makes them of a number.
        return known or Flag.__dict__["_missing_"].__func__(cls, parts["value"])
    if known is None:
        raise LookupError(f"{cls} has no {parts['name']}")
    return known


def _encode_named_tuple(encoder: Encoder, value: Any) -> JsonValue:  # noqa: ANN401 - there is no common class
    fields = dict(zip(value._fields, tuple.__iter__(value), strict=True))
    return {TAG: "namedtuple", "class": class_path(type(value)), "fields": encoder.encode(fields)}


def _encode_dataclass(encoder: Encoder, value: Any) -> JsonValue:  # noqa: ANN401 - there is no common class
    names = [field.name for field in dataclasses.fields(value)]
    fields = {name: getattr(value, name) for name in names if hasattr(value, name)}
    state = {name: item for name, item in state_of(value).items() if name not in fields}
    encoded = {TAG: "dataclass", "class": class_path(type(value)), "fields": encoder.encode(fields)}
    return {**encoded, "attributes": encoder.encode_names(state)} if state else encoded


def _build_dataclass(cls: Any, parts: dict[str, Any]) -> object:  # noqa: ANN401 - there is no common class
    recorded, state = part_of(parts, "fields", dict), dict(parts.get("attributes", {}))
    for field in dataclasses.fields(cls):
        with suppress(LookupError) if not field.init else nullcontext():  # it may never have been set
            state[field.name] = field_value(recorded, field.name, field)
    instance: object = object.__new__(cls)
    set_state(instance, state)
    return instance


def encode_object(encoder: Encoder, value: object) -> JsonValue:
    """Return an object of a class of somebody's own if its attributes say all of it, else a description."""
    fields = encoder.encode_whole(state_of(value)) if is_plain(type(value)) else None
    if fields is None:
        return encoder.describe(value)
    return {TAG: "instance", "class": class_path(type(value)), "fields": fields}


def _build_object(cls: type, parts: dict[str, Any]) -> object:
    if not is_plain(cls):
        raise TypeError(f"{cls} keeps more than its attributes")
    instance: object = object.__new__(cls)
    set_state(instance, part_of(parts, "fields", dict))
    return instance


def _encode_model(encoder: Encoder, value: BaseModel) -> JsonValue:
    declared = type(value).__pydantic_fields__
    return {
        TAG: "model",
        "class": class_path(type(value)),
        "fields": encoder.encode({name: item for name, item in vars(value).items() if name in declared}),
        "fields_set": [*sorted(value.__pydantic_fields_set__)],
        "extra": encoder.encode(value.__pydantic_extra__),
        "private": encoder.encode_names(value.__pydantic_private__ or {}),
    }


def _build_model(cls: type[BaseModel], parts: dict[str, Any]) -> BaseModel:
    recorded, names = part_of(parts, "fields", dict), part_of(parts, "fields_set", list)
    declared, privates = cls.__pydantic_fields__, cls.__private_attributes__
    fields = {name: field_value(recorded, name, field) for name, field in declared.items()}
    private: dict[str, object] = {}
    for name, attribute in privates.items():
        with suppress(LookupError):  # neither recorded nor a default: left unset, as pydantic does
            private[name] = field_value(part_of(parts, "private", dict), name, attribute)
    extra = parts["extra"] if isinstance(parts.get("extra"), dict) else None
    state = {"__dict__": fields, "__pydantic_fields_set__": set(names), "__pydantic_extra__": extra}
    instance, owner = object.__new__(cls), RootModel if issubclass(cls, RootModel) else BaseModel
    # Pydantic's own, because a class may have put another in its place.
    owner.__setstate__(instance, {**state, "__pydantic_private__": private if privates else None})
    return instance


# How to take the builtin value out of an instance of a subclass, with none of the subclass's methods.
_BASES: dict[type, Callable[[Any], object]] = {
    str: lambda value: str.__getitem__(value, slice(None)),
    int: int.__int__,
    float: float.__float__,
    bytes: lambda value: bytes.__getitem__(value, slice(None)),
    tuple: lambda value: tuple(tuple.__iter__(value)),
    frozenset: lambda value: frozenset(frozenset.__iter__(value)),
    set: lambda value: set(set.__iter__(value)),
    list: lambda value: list(list.__iter__(value)),
    OrderedDict: lambda value: {key: dict.__getitem__(value, key) for key in OrderedDict.__iter__(value)},
    dict: lambda value: dict(dict.items(value)),
}


def _encode_subclass(encoder: Encoder, value: object) -> JsonValue:
    base = next(base for base in type(value).__mro__ if base in _BASES)
    plain = encoder.encode(_BASES[base](value))
    encoded: JsonObject = {TAG: "subclass", "class": class_path(type(value)), "value": plain}
    state = state_of(value)
    return {**encoded, "attributes": encoder.encode_names(state)} if state else encoded


def rebuilt(cls: Any, value: object, state: Mapping[str, object]) -> object:  # noqa: ANN401 - there is no common class
    """Return a builtin value as an instance of a class that derives from its own, or else as it is."""
    if rule_for(cls) is not _encode_subclass:
        return value  # the class has become an enum or the like: the plain value beats a stand-in
    if OrderedDict in cls.__mro__:  # keeps its order where dict's methods do not reach
        return OrderedDict(cast("dict[object, object]", value))
    instance = as_subclass(cls, value)
    set_state(instance, state)
    return instance


def _encode_stand_in(encoder: Encoder, value: RecordedValue) -> JsonValue:
    if isinstance(value, (list, set, dict)):  # it may have been changed since
        base = next(base for base in type(value).__mro__ if base in _BASES)
        return {**value.recorded_json, "value": encoder.encode(_BASES[base](value))}
    return value.recorded_json


# What a class is or derives from, and how its instances are encoded; the first row that fits.
_RULES: tuple[tuple[Callable[[type], bool], Encode], ...] = (
    (lambda cls: issubclass(cls, RecordedObject), lambda _, value: value.recorded_json),
    (lambda cls: issubclass(cls, RecordedValue), _encode_stand_in),
    (lambda cls: issubclass(cls, BaseException), encode_error),
    (lambda cls: issubclass(cls, BaseModel), _encode_model),
    (lambda cls: issubclass(cls, Enum), _encode_enum),
    (dataclasses.is_dataclass, _encode_dataclass),
    (lambda cls: issubclass(cls, tuple) and "_fields" in dir(cls), _encode_named_tuple),
    (lambda cls: not _BASES.keys().isdisjoint(cls.__mro__), _encode_subclass),
)

BUILDERS: dict[str, tuple[type[Any], Callable[[Any, dict[str, Any]], object]]] = {
    "enum": (Enum, _build_enum),
    "namedtuple": (
        tuple,
        lambda cls, parts: tuple.__new__(cls, [parts["fields"][name] for name in cls._fields]),
    ),
    "dataclass": (object, _build_dataclass),
    "instance": (object, _build_object),
    "model": (BaseModel, _build_model),
}
"""What a class of each kind derives from, and how an instance is made of its decoded parts."""


def rule_for(cls: type) -> Encode | None:
    """Return how instances of a class are encoded for what it derives from; None if that says nothing."""
    return next((encode for fits, encode in _RULES if fits(cls)), None)
