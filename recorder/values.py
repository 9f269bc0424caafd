"""Any Python value as tagged JSON and back, for recordings that may come from strangers.

Nothing here pickles, evaluates or imports, and no constructor of a class that a file names is run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias, cast

from pydantic import JsonValue

from otelstream.errors import RecordingError
from recorder.classes import find_class, guarded
from recorder.exceptions import decode_error
from recorder.instances import BUILDERS, Encode, encode_object, part_of, rebuilt, rule_for
from recorder.made import encode_made, is_known, make
from recorder.standins import JsonObject, RecordedObject, opaque, stand_in
from recorder.texts import TAG, TEXTS, decode_bytes, encode_bytes, entry_name

__all__ = ["RecordedObject", "decode_value", "encode_value"]

Decode: TypeAlias = Callable[[JsonObject], object]

MAX_DEPTH = 64  # a level costs up to four of JSON's and seven calls, and Python allows 1,000
MAX_NODES = 1_000_000  # a value that shares its parts may be small in memory and endless as a tree
MAX_OBJECT_NODES = 20_000  # some 50 ms
MAX_PLAIN_BITS = 2_000  # Python may refuse to read decimal integers longer than 640 digits


def encode_value(value: object) -> JsonValue:
    """Return any value as JSON: plain data as itself, everything else as a dict with a `$type`.

    Never raises. What cannot be kept (a lock, a lambda, a cycle) is described by class and `repr`; NaN and
    infinities stay floats.
    """
    return Encoder().encode(value)


def decode_value(encoded: JsonValue) -> Any:  # noqa: ANN401 - a recorded value may be anything
    """Return the value that `encode_value` was given.

    A class comes back if its module is already loaded, else as a `RecordedObject`, as does a kind that this
    version does not know. Where a value was replaced by a string (redaction), the string comes back.

    Raises:
        RecordingError: The JSON is nothing that `encode_value` makes.
    """
    try:
        return _decode(encoded)
    except RecursionError:
        raise RecordingError("A recorded value is nested too deeply; its file is damaged.") from None


class Encoder:
    """One pass over one value; `enclosing` holds the ids of all the values that it is inside of."""

    def __init__(self) -> None:
        self.enclosing: set[int] = set()
        self._nodes = self._lost = 0
        self._limit = MAX_NODES

    def encode(self, value: object) -> JsonValue:
        """Return the tagged JSON of a value; never raises."""
        self._nodes += 1
        cls = type(value)
        plain = value is None or cls is str or cls is bool or cls is float  # == may be a metaclass's own
        if plain or (cls is int and cast("int", value).bit_length() <= MAX_PLAIN_BITS):
            return cast("JsonValue", value)
        if id(value) in self.enclosing:
            return self.describe(value, "contains itself")
        if len(self.enclosing) >= MAX_DEPTH or self._nodes > self._limit:
            return self.describe(value, "is too deep or too large to record")
        self.enclosing.add(id(value))
        try:
            return guarded(lambda: _encode_function(cls)(self, value), lambda _: self.describe(value))
        finally:
            self.enclosing.discard(id(value))

    def describe(self, value: object, why: str = "") -> JsonObject:
        """Return the JSON for a value of which only a description can be kept."""
        self._lost += 1
        return opaque(value, why)

    def encode_whole(self, values: dict[str, object]) -> JsonObject | None:
        """Return values by their names; None if a description is all that can be kept of anything in them.

        They may be no more than a part of what a value may be: an object that holds a whole program shall not
        be looked through for seconds.
        """
        lost, limit = self._lost, self._limit
        self._limit = min(limit, self._nodes + MAX_OBJECT_NODES)
        encoded = {name: self.encode(item) for name, item in values.items()}
        self._limit = limit
        return encoded if self._lost == lost else None

    def encode_names(self, values: dict[str, object]) -> JsonObject:
        """Return those values, by their names, of which more than a description can be kept."""
        named = [(name, self.encode(item)) for name, item in list(values.items()) if type(name) is str]
        return {
            name: item for name, item in named if not (isinstance(item, dict) and item.get(TAG) == "object")
        }


def _decode(encoded: JsonValue) -> Any:  # noqa: ANN401 - a recorded value may be anything
    if isinstance(encoded, list):
        return [_decode(item) for item in encoded]
    if isinstance(encoded, dict):
        return _decode_tagged(encoded) if TAG in encoded else _decode_names(encoded)
    if encoded is None or isinstance(encoded, (str, int, float)):
        return encoded
    raise RecordingError(f"A recorded value holds a {type(encoded).__name__}, which JSON does not have.")


def _decode_names(encoded: JsonObject) -> dict[str, Any]:
    return {name: _decode(item) for name, item in encoded.items()}


def _decode_tagged(encoded: JsonObject) -> object:
    tag = encoded[TAG]
    if not isinstance(tag, str):
        raise RecordingError(f"A recorded value has the $type {tag!r}, which is not a name.")
    if tag not in _DECODE:
        return _stand_in(encoded, _decode_parts(encoded))
    return guarded(lambda: _DECODE[tag](encoded), lambda error: _masked(encoded, error))


def _masked(encoded: JsonObject, error: Exception) -> object:
    if isinstance(error, (RecordingError, RecursionError)):
        raise error
    for name in ("value", "items", "entries", "fields", "text", "latin1"):
        if isinstance(encoded.get(name), str):
            return encoded[name]
    raise RecordingError(f"A recorded {encoded[TAG]} cannot be read ({error!r}); it is damaged.") from None


def _encode_dict(encoder: Encoder, value: dict[object, object]) -> JsonValue:
    pairs = list(value.items())
    if not all(type(key) is str for key, _ in pairs):
        return {TAG: "mapping", "entries": [_encode_entry(encoder, key, item) for key, item in pairs]}
    fields = {cast("str", key): encoder.encode(item) for key, item in pairs}
    return {TAG: "dict", "fields": fields} if TAG in fields else fields


def _encode_entry(encoder: Encoder, key: object, item: object) -> JsonValue:
    # The value stays under its name wherever the key is one, because secrets are masked by name.
    encoded = encoder.encode(key)
    name = str.__getitem__(key, slice(None)) if isinstance(key, str) else entry_name(encoded)
    return [encoded, {name: encoder.encode(item)}]


def _decode_entry(entry: Any) -> tuple[object, object]:  # noqa: ANN401 - checked by being taken apart
    key, named = entry
    [item] = named.values() if isinstance(named, dict) else [named]
    return _decode_key(key), _decode(item)


def _decode_key(encoded: JsonValue) -> object:
    value = _decode(encoded)
    # It was hashable by a class that may be gone; the stand-in is hashable again.
    return guarded(
        lambda: (hash(value), value)[1], lambda _: _stand_in(cast("JsonObject", encoded), {"value": value})
    )


def _encode_items(tag: str) -> Encode:
    def encode(encoder: Encoder, value: Iterable[object]) -> JsonValue:
        items = [encoder.encode(item) for item in value]
        if tag != "tuple":  # the same set gives the same JSON in every process
            items.sort(key=lambda item: json.dumps(item, sort_keys=True))
        return {TAG: tag, "items": items}

    return encode


def _decode_items(build: Callable[[list[Any]], object], item: Callable[[JsonValue], object]) -> Decode:
    return lambda encoded: build([item(each) for each in part_of(encoded, "items", list)])


def _encode_text(tag: str, write: Callable[[Any], str]) -> Encode:
    return lambda _, value: {TAG: tag, "value": write(value)}


def _decode_text(read: Callable[[str], object]) -> Decode:
    return lambda encoded: read(part_of(encoded, "value", str))


def _decode_parts(encoded: JsonObject) -> dict[str, Any]:
    return _decode_names(
        {name: part for name, part in encoded.items() if name not in (TAG, "class", "repr", "base")}
    )


def _stand_in(encoded: JsonObject, parts: dict[str, Any]) -> object:
    if encoded[TAG] in _PLAIN and (plain := _PLAIN[encoded[TAG]](encoded, parts)) is not None:
        return stand_in(encoded, plain, parts.get("fields", parts))
    fields, extra = parts.get("fields"), parts.get("extra")
    fields = (fields | extra if isinstance(extra, dict) else fields) if isinstance(fields, dict) else parts
    path, text = encoded.get("class", encoded[TAG]), encoded.get("repr", "")
    return RecordedObject(str(path), fields, str(text), encoded)


def _decode_instance(kind: type[Any], build: Callable[[Any, dict[str, Any]], object]) -> Decode:
    def decode(encoded: JsonObject) -> object:
        parts, cls = _decode_parts(encoded), find_class(encoded.get("class"), kind)
        if cls is None:
            return _stand_in(encoded, parts)
        return guarded(lambda: build(cls, parts), lambda _: _stand_in(encoded, parts))

    return decode


def _plain_enum(encoded: JsonObject, parts: dict[str, Any]) -> object:
    value = parts.get("value")
    return value if type(value).__name__ == encoded.get("base") else None


# The builtin value in what some kinds record of an instance, if its class derives from that builtin.
_PLAIN: dict[JsonValue, Callable[[JsonObject, dict[str, Any]], object]] = {
    "enum": _plain_enum,
    "namedtuple": lambda _, parts: tuple(part_of(parts, "fields", dict).values()),
}


def _decode_subclass(encoded: JsonObject) -> object:
    value, attributes = _decode(encoded["value"]), _decode(encoded.get("attributes", {}))
    cls = find_class(encoded.get("class"), type(value))
    if cls is None:
        return stand_in(encoded, value, attributes)
    return guarded(lambda: rebuilt(cls, value, attributes), lambda _: value)


def _decode_made(encoded: JsonObject) -> object:
    parts = _decode(part_of(encoded, "of", list))
    return guarded(lambda: make(encoded, parts), lambda _: _stand_in(encoded, {"of": parts}))


_TEXT: dict[type, Encode] = {
    bytes: lambda _, value: encode_bytes(value),
    **{cls: _encode_text(tag, write) for tag, cls, write, _ in TEXTS},
}
_EXACT: dict[type, Encode] = {
    **_TEXT,
    **{cls: _encode_items(cls.__name__) for cls in (tuple, set, frozenset)},
    list: lambda encoder, value: [encoder.encode(item) for item in value],
    dict: _encode_dict,
}
_DECODE: dict[str, Decode] = {
    **{tag: _decode_text(read) for tag, _, _, read in TEXTS},
    "bytes": decode_bytes,
    "tuple": _decode_items(tuple, _decode),
    "set": _decode_items(set, _decode_key),
    "frozenset": _decode_items(frozenset, _decode_key),
    "dict": lambda encoded: _decode_names(part_of(encoded, "fields", dict)),
    "mapping": lambda encoded: dict(map(_decode_entry, part_of(encoded, "entries", list))),
    "subclass": _decode_subclass,
    "made": _decode_made,
    **{tag: _decode_instance(kind, build) for tag, (kind, build) in BUILDERS.items()},
    "exception": lambda encoded: decode_error(encoded, _decode),
}


def _encode_function(cls: type) -> Encode:
    known = _EXACT.get(cls) or (encode_made if is_known(cls) else rule_for(cls))
    if known is not None:
        return known
    # Subclasses of these (a Timestamp, a PosixPath) are recorded as the type they derive from.
    return next((_TEXT[base] for base in cls.__mro__ if base in _TEXT), encode_object)
