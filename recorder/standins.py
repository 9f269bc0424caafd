"""What stands in for a recorded value whose class is not there."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeAlias, cast

from pydantic import JsonValue

from recorder.classes import class_path, describe, guarded

JsonObject: TypeAlias = dict[str, JsonValue]


class RecordedObject:
    """What a recorded value becomes when its class cannot be restored: readable, comparable, inert.

    Attributes:
        class_path: `module:qualname` of the recorded class.
        recorded_fields: Its fields by name; each is readable as an attribute, too.
        recorded_text: The object's own `repr`, where nothing else could be recorded.
        recorded_json: The JSON it was read from, so that recording a replay changes nothing.
    """

    __slots__ = ("class_path", "recorded_fields", "recorded_json", "recorded_text")

    def __init__(
        self, class_path: str, fields: Mapping[str, object], text: str = "", json: JsonObject | None = None
    ) -> None:
        self.class_path = class_path
        self.recorded_fields = dict(fields)
        self.recorded_text = text
        self.recorded_json = json or {"$type": "object", "class": class_path, "repr": describe(self)}

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a recorded field may be anything
        if name.startswith("__") or name in RecordedObject.__slots__:
            raise AttributeError(name)  # copy and pickle ask for these before there are any fields
        if name not in self.recorded_fields:
            raise AttributeError(
                f"{self.class_path} could not be restored and {name!r} is none of its recorded fields "
                f"({', '.join(self.recorded_fields)}); import the class before reading the recording"
            )
        return self.recorded_fields[name]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RecordedObject):
            return NotImplemented
        mine = (self.class_path, self.recorded_fields, self.recorded_text)
        return mine == (other.class_path, other.recorded_fields, other.recorded_text)

    def __hash__(self) -> int:
        return hash(self.class_path)

    def __repr__(self) -> str:
        fields = [f"{name}={value!r}" for name, value in self.recorded_fields.items()]
        return f"<recorded {' '.join([self.class_path, *fields, self.recorded_text]).rstrip()}>"


def opaque(value: object, why: str = "") -> JsonObject:
    """Return the JSON for a value of which only a description can be kept."""
    path = class_path(type(value))
    return {"$type": "object", "class": path, "repr": f"<{path} {why}>" if why else describe(value)}


class RecordedValue:
    """What an instance of a builtin's subclass becomes when its class is not there: one of that builtin.

    Attributes:
        class_path: `module:qualname` of the recorded class.
        recorded_value: The value as the builtin itself.
        recorded_fields: The fields of a named tuple, or name and value of a member of an enumeration; each is
            readable as an attribute, too.
        recorded_json: The JSON it was read from, so that recording a replay changes nothing.
    """

    class_path: str
    recorded_value: object
    recorded_fields: dict[str, object]
    recorded_json: JsonObject

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a recorded field may be anything
        fields = vars(self).get("recorded_fields", {})
        if name not in fields:
            raise AttributeError(f"{name!r} is not recorded of this {self.class_path}, which is not loaded")
        return fields[name]

    def __repr__(self) -> str:
        return f"<recorded {self.class_path} {self.recorded_value!r}>"

    def __str__(self) -> str:
        return str(self.recorded_value)


def as_subclass(cls: Any, value: object) -> object:  # noqa: ANN401 - there is no common class
    """Return an instance of a builtin's subclass with the builtin's value, made by the builtin alone."""
    base: Any = type(value)
    instance = base.__new__(cls, value)
    if base in (list, set, dict):
        base.__init__(instance, value)
    return instance


def stand_in(encoded: JsonObject, value: object, fields: Mapping[str, object]) -> object:
    """Return what stands in for a recorded instance of a builtin's subclass whose class is not there.

    That is the value itself where a class cannot derive from its own.
    """

    def made() -> object:
        base: Any = type(value)
        instance = cast("RecordedValue", as_subclass(_class_of(str(encoded.get("class")), base), value))
        vars(instance).update(recorded_value=value, recorded_fields=dict(fields), recorded_json=encoded)
        return instance

    return guarded(made, lambda _: value)


@lru_cache(maxsize=256)  # two values of one class get one class
def _class_of(path: str, base: type) -> type:
    module, _, qualname = path.partition(":")
    names: dict[str, Any] = {"__module__": module, "__qualname__": qualname, "class_path": path}
    return type(qualname.rpartition(".")[2], (RecordedValue, base), names)
