"""Exceptions as tagged JSON and back, and what stands in for a class that a file names and we do not have.

Nothing here imports a module or runs a constructor that is not the interpreter's own.
"""

from __future__ import annotations

import builtins
import copy
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import MISSING
from functools import lru_cache
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar, cast

from pydantic import JsonValue
from pydantic_core import PydanticUndefined

from otelstream.errors import RecordingError

if TYPE_CHECKING:
    from recorder.values import Encoder

T = TypeVar("T")
E = TypeVar("E", bound=BaseException)
JsonObject: TypeAlias = dict[str, JsonValue]

MAX_TEXT = 2_000
_EXITS = (SystemExit, KeyboardInterrupt, GeneratorExit)  # a replay must not end the program
# What these keep in neither `args` nor `__dict__`. UnicodeError is not here: it trusts its slots blindly.
_SLOTS: dict[type[BaseException], tuple[str, ...]] = {
    OSError: ("filename", "filename2"),
    ImportError: ("name", "path"),
    AttributeError: ("name",),
    NameError: ("name",),
}


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


class ReplayedError(Exception):
    """A recorded exception whose class could not be restored; a subclass of the builtin it derived from.

    Attributes:
        class_path: `module:qualname` of the recorded class.
        recorded_text: What `str` of the recorded exception was, and of this one is.
        recorded_json: The JSON it was read from, so that recording a replay changes nothing.
    """

    class_path = "recorder.exceptions:ReplayedError"
    recorded_text: str | None = None
    recorded_json: JsonObject | None = None

    def __str__(self) -> str:
        return super().__str__() if self.recorded_text is None else self.recorded_text


def guarded(run: Callable[[], T], otherwise: Callable[[Exception], T]) -> T:
    """Return what `run` returns, or what `otherwise` makes of the exception that it raised."""
    try:
        return run()
    except Exception as error:  # noqa: BLE001 - methods of foreign classes run here and may raise anything
        return otherwise(error)


def class_path(cls: type) -> str:
    """Return `module:qualname` of a class."""
    return guarded(lambda: f"{cls.__module__}:{cls.__qualname__}", lambda _: "unknown:unknown")


def describe(value: object, show: Callable[[object], str] = repr, limit: int | None = MAX_TEXT) -> str:
    """Return `show(value)`, or a note that it raised."""
    return guarded(
        lambda: str.__getitem__(show(value), slice(limit)),
        lambda error: f"<{class_path(type(value))} whose {show.__name__} raised {class_path(type(error))}>",
    )


def opaque(value: object, why: str = "") -> JsonObject:
    """Return the JSON for a value of which only a description can be kept."""
    path = class_path(type(value))
    return {"$type": "object", "class": path, "repr": f"<{path} {why}>" if why else describe(value)}


def field_value(recorded: dict[str, Any], name: str, declared: Any) -> object:  # noqa: ANN401 - 3 classes
    """Return the value of a field, or its default if that can be had without running foreign code.

    Raises:
        LookupError: The field was not recorded and has no such default.
    """
    if name in recorded:
        return recorded[name]
    default, factory = declared.default, declared.default_factory
    if isinstance(factory, (type, BuiltinFunctionType, FunctionType)):  # such as list or Lock
        if str(factory.__module__).partition(".")[0] in sys.stdlib_module_names:
            return factory()
    elif (factory is None or factory is MISSING) and not (default is MISSING or default is PydanticUndefined):
        return copy.deepcopy(default) if type(default) in (list, dict, set) else default
    raise LookupError(f"{name} was not recorded and has no default that may be used")


def find_class(path: JsonValue, kind: type[T]) -> type[T] | None:
    """Return the class at `module:qualname` if its module is loaded and it is a `kind`, else None."""
    module_name, _, qualname = path.partition(":") if isinstance(path, str) else ("", "", "")
    module = sys.modules.get(module_name)
    found = _names_in(module).get(qualname)  # where pydantic keeps `Box[int]`
    if found is None:
        found = module
        for name in qualname.partition("[")[0].split("."):
            found = _names_in(found).get(name)
    bases = cast("type", found).__mro__ if issubclass(type(found), type) else ()
    # A finalizer would run on whatever fields the file chose.
    usable = kind in bases and not any("__del__" in vars(base) for base in bases)
    return cast("type[T]", found) if usable else None


def _names_in(owner: object) -> Mapping[str, object]:
    # Not getattr: lazy modules and some metaclasses import when asked.
    if issubclass(type(owner), ModuleType):
        return cast("Mapping[str, object]", object.__getattribute__(owner, "__dict__"))
    if issubclass(type(owner), type):
        return cast("Mapping[str, object]", type.__getattribute__(cast("type", owner), "__dict__"))
    return {}


def encode_exception(error: BaseException) -> JsonValue:
    """Return an exception as tagged JSON: class, builtin bases, args, text, attributes, causes, traceback.

    Never raises. Attributes of which only a description could be kept are left out.
    """
    from recorder.values import Encoder  # values builds on this module

    return Encoder().encode(error)


def decode_exception(encoded: JsonValue) -> BaseException:
    """Return an exception with the recorded type, args, text, attributes and causes.

    If the class is not loaded, cannot be restored, or would end the program (`SystemExit`), a
    `ReplayedError` that also derives from the nearest builtin exception stands in for it.

    Raises:
        RecordingError: The JSON is nothing that `encode_exception` makes.
    """
    from recorder.values import decode_value  # values builds on this module

    value = decode_value(encoded)
    if isinstance(value, BaseException):
        return value
    if isinstance(value, (str, RecordedObject)):  # masked, or too broken to be recorded as an exception
        return ReplayedError(describe(value, str, None))
    raise RecordingError(f"A recording holds {describe(value)} where an exception should be; it is damaged.")


def encode_error(encoder: Encoder, error: BaseException) -> JsonValue:
    """Return an exception that may be part of another value as tagged JSON."""
    if isinstance(error, ReplayedError) and error.recorded_json is not None:
        return error.recorded_json
    bases = type(error).__mro__
    suppressed = bool(_get(error, "__suppress_context__"))
    return {
        "$type": "exception",
        "class": class_path(type(error)),
        "bases": [base.__name__ for base in bases if _is_builtin(base) and base is not object],
        "args": [encoder.encode(argument) for argument in cast("tuple[object, ...]", _get(error, "args"))],
        "text": describe(error, str, None),
        "attributes": encoder.encode_names(cast("dict[str, object]", _get(error, "__dict__"))),
        "slots": encoder.encode_names(_slots(error)),
        "cause": encoder.encode(_get(error, "__cause__")),
        "context": None if suppressed else encoder.encode(_get(error, "__context__")),
        "suppress_context": suppressed,
        "traceback": guarded(lambda: _traceback(error, len(encoder.enclosing) == 1), lambda _: ""),
    }


def _traceback(error: BaseException, outermost: bool) -> str:
    # The outermost one tells the whole story as Python prints it; the others only their own part.
    return "".join(traceback.format_exception(type(error), error, error.__traceback__, chain=outermost))


class _Record(NamedTuple):
    """The decoded parts of a recorded exception."""

    text: str
    args: tuple[object, ...]
    attributes: dict[str, object]
    slots: dict[str, object]


def decode_error(encoded: JsonObject, decode: Callable[[JsonValue], object]) -> BaseException:
    """Return the exception of one tagged dict; `decode` restores the values inside it."""

    def names(key: str) -> dict[str, object]:
        part = encoded.get(key)
        return {name: decode(item) for name, item in part.items()} if isinstance(part, dict) else {}

    args = encoded.get("args", [])
    decoded = tuple(decode(item) for item in (args if isinstance(args, list) else [args]))
    record = _Record(str(encoded.get("text", "")), decoded, names("attributes"), names("slots"))
    restored = _restore(encoded.get("class"), record)
    error = _stand_in(encoded, record) if restored is None else restored
    for name in ("__cause__", "__context__"):
        part = encoded.get(name.strip("_"))
        linked = error if _is_itself(part, encoded) else decode(part)
        if isinstance(linked, BaseException):  # not where the chain was too long to be recorded
            _set(error, name, linked)
    _set(error, "__suppress_context__", encoded.get("suppress_context") is True)
    return error


def _is_itself(part: JsonValue, encoded: JsonObject) -> bool:
    # What `raise error from error` makes, as CrewAI's OpenAI provider does.
    path = encoded.get("class")
    return part == {"$type": "object", "class": path, "repr": f"<{path} contains itself>"}


def _restore(path: JsonValue, record: _Record) -> BaseException | None:
    cls = find_class(path, BaseException)
    if cls is None or issubclass(cls, _EXITS):
        return None
    error = guarded(lambda: _rebuild(cls, record), lambda _: None)
    return error if error is not None and describe(error, str, None) == record.text else None


def _rebuild(cls: type[E], record: _Record) -> E:
    numbers = [item for item in record.args if isinstance(item, int)]
    if issubclass(cls, UnicodeError) and min(numbers, default=0) < 0:
        raise ValueError("CPython would read before the start of the bytes")
    base: Any = next(base for base in cls.__mro__ if _is_builtin(base))
    error: E = base.__new__(cls, *record.args)
    if type(error) is not cls:  # OSError and the groups choose their own subclass
        raise TypeError(f"{base} made a {type(error)}")
    guarded(lambda: base.__init__(error, *record.args), lambda _: None)  # fills errno and the like
    _set(error, "args", record.args)
    cast("dict[str, object]", _get(error, "__dict__")).update(record.attributes)
    for owner, names in _SLOTS.items():
        for name in record.slots.keys() & set(names) if issubclass(cls, owner) else ():
            vars(owner)[name].__set__(error, record.slots[name])
    return error


def _stand_in(encoded: JsonObject, record: _Record) -> ReplayedError:
    bases = encoded.get("bases")
    path, base = str(encoded.get("class", "")), _nearest_builtin(bases if isinstance(bases, list) else [])
    cls: type[ReplayedError] = guarded(lambda: _stand_in_class(path, base), lambda _: ReplayedError)
    error = guarded(lambda: _rebuild(cls, record), lambda _: cls.__new__(cls))
    _set(error, "args", record.args)
    vars(error).update(class_path=path, recorded_text=record.text, recorded_json=encoded)
    return error


def _nearest_builtin(names: list[JsonValue]) -> str:
    for name in names:
        base = vars(builtins).get(name) if isinstance(name, str) else None
        # A group cannot be made without its members, so it counts as what it derives from.
        if isinstance(base, type) and issubclass(base, Exception) and not base.__name__.endswith("Group"):
            return base.__name__
    return "Exception"


@lru_cache(maxsize=256)  # two errors of one class get one class
def _stand_in_class(path: str, base: str) -> type[ReplayedError]:
    module, _, qualname = path.partition(":")
    bases: tuple[type, ...] = (ReplayedError, vars(builtins)[base])
    names: dict[str, Any] = {"__module__": module, "__qualname__": qualname, "class_path": path}
    return cast("type[ReplayedError]", type(qualname.rpartition(".")[2], bases, names))


def _is_builtin(cls: type) -> bool:
    return vars(builtins).get(cls.__name__) is cls


def _slots(error: BaseException) -> dict[str, object]:
    held = {
        name: getattr(error, name) for owner in _SLOTS if isinstance(error, owner) for name in _SLOTS[owner]
    }
    return {name: value for name, value in held.items() if value is not None}  # OSError would show the None


# BaseException's own descriptors: a subclass may have put properties in their place.
def _get(error: BaseException, name: str) -> object:
    return vars(BaseException)[name].__get__(error)


def _set(error: BaseException, name: str, value: object) -> None:
    vars(BaseException)[name].__set__(error, value)
